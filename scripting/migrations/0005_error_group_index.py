from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scripting", "0004_history")]

    operations = [
        migrations.RemoveIndex(model_name="execution", name="execution_of_error_place"),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                models.F("error_version"),
                models.F("error_type"),
                models.Func(
                    models.F("error_line"),
                    output_field=models.IntegerField(),
                    template="COALESCE(%(expressions)s, 0)",
                ),
                models.F("error_script"),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("error_version__isnull", False)),
                name="execution_of_error_group",
            ),
        ),
    ]
