from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scripting", "0037_waits")]

    operations = [
        migrations.AddField(
            model_name=model,
            name="superseded",
            field=models.BigIntegerField(
                db_default=0,
                default=0,
                help_text="Of those skipped: a newer event of the same topic and key was to run.",
            ),
        )
        for model in ("statdelta", "executionstat")
    ]
