from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scripting", "0036_trace_index")]

    operations = [
        operation
        for model in ("statdelta", "executionstat")
        for operation in (
            migrations.AddField(
                model_name=model,
                name="waits",
                field=models.BinaryField(
                    db_default=b"",
                    default=b"",
                    help_text="Histogram of the times from an event's acceptance until its record.",
                ),
            ),
            migrations.AddField(
                model_name=model,
                name="waited_us",
                field=models.BigIntegerField(db_default=0, default=0, help_text="Sum of these times."),
            ),
        )
    ]
