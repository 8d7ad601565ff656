from django.db import migrations, models

from scripting.metrics.histogram import Histogram

COUNTS = ("succeeded", "fell_back", "failed", "cancelled", "skipped", "abandoned", "wall_us", "cpu_us")


def tens_from_minutes(apps, schema_editor):
    """Sums of ten minutes from those of the minutes that are still kept."""
    stat = apps.get_model("scripting", "ExecutionStat")
    sums = {}
    for minute in stat.objects.filter(span="minute").order_by().iterator():
        start = minute.start.replace(minute=minute.start.minute // 10 * 10)
        key = (start, minute.script_id, minute.version_id)
        totals, durations = sums.setdefault(key, (dict.fromkeys(COUNTS, 0), Histogram()))
        for name in COUNTS:
            totals[name] += getattr(minute, name)
        durations.merge_encoded(bytes(minute.durations))
    stat.objects.bulk_create(
        stat(span="ten", start=start, script_id=script, version_id=version, durations=durations.encode(), **totals)
        for (start, script, version), (totals, durations) in sums.items()
    )


class Migration(migrations.Migration):
    dependencies = [("scripting", "0007_attempt_log")]

    operations = [
        migrations.AlterField(
            model_name="executionstat",
            name="span",
            field=models.CharField(
                choices=[
                    ("minute", "Minute"),
                    ("ten", "Ten Minutes"),
                    ("hour", "Hour"),
                    ("day", "Day"),
                    ("ever", "Ever"),
                ],
                max_length=8,
            ),
        ),
        migrations.RunPython(tens_from_minutes, migrations.RunPython.noop),
    ]
