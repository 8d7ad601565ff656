from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scripting", "0034_clock_alerts")]

    operations = [
        migrations.AddField(
            model_name="execution",
            name="trace_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=32),
        ),
    ]
