"""The indexes that every execution is in grow where its id is the largest. The new ones are built first: pages find theirs by the old ones meanwhile."""

from django.db import migrations, models

from scripting.storage.concurrent_indexes import AddIndexConcurrently

INDEXES = (
    ("script", "execution_latest_of_script", "execution_of_script", None),
    ("version", "execution_of_version", "execution_of_one_version", None),
    ("topic", "execution_of_some_topic", "execution_of_one_topic", models.Q(("topic__gt", ""))),
    ("worker", "execution_of_some_worker", "execution_of_one_worker", models.Q(("worker__gt", ""))),
    ("trigger", "execution_unusual_trigger", "execution_of_trigger", models.Q(("trigger", "event"), _negated=True)),
)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("scripting", "0042_lone_commits")]

    operations = [
        *(
            AddIndexConcurrently(
                model_name="execution", index=models.Index(condition=condition, fields=[column, "id"], name=new)
            )
            for column, _, new, condition in INDEXES
        ),
        *(migrations.RemoveIndex(model_name="execution", name=old) for _, old, _, _ in INDEXES),
    ]
