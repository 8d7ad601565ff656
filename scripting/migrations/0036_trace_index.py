from django.db import migrations, models

from scripting.storage.concurrent_indexes import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("scripting", "0035_trace_id")]

    operations = [
        AddIndexConcurrently(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("trace_id__gt", "")), fields=["trace_id"], name="execution_of_trace"
            ),
        ),
    ]
