"""The indexes on topic and worker leave out executions that have none. The new ones are built first: pages find theirs by the old ones meanwhile."""

from django.db import migrations, models

from scripting.storage.concurrent_indexes import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("scripting", "0039_sealed_links")]

    operations = [
        AddIndexConcurrently(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("topic__gt", "")), fields=["topic", "-id"], name="execution_of_some_topic"
            ),
        ),
        AddIndexConcurrently(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("worker__gt", "")), fields=["worker", "-id"], name="execution_of_some_worker"
            ),
        ),
        migrations.RemoveIndex(model_name="execution", name="execution_of_topic"),
        migrations.RemoveIndex(model_name="execution", name="execution_of_worker"),
    ]
