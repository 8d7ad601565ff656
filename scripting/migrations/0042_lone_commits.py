"""A table for the commits of one request. Who goes back files what waits in it as the release before would have written it."""

from datetime import date

import django.db.models.deletion
from django.db import migrations, models

import scripting.models.lone_commits
from scripting.metrics import histogram

LINK = ("module", "chain", "number", "previous", "digest", "salt", "digests", "rows_digest", "made_at")
FIGURES = ("script_id", "version_id", "start", "wall_us", "cpu_us")
UNSEALED = date(1, 1, 1)


def file_all(apps, editor):
    using = editor.connection.alias
    commits, links, deltas = (
        apps.get_model("scripting", name).objects.using(using) for name in ("LoneCommit", "ReceiptLink", "StatDelta")
    )
    while some := list(commits.order_by("id")[:500]):
        links.bulk_create(
            links.model(
                **{name: getattr(each, name) for name in LINK},
                first=each.execution,
                last=each.execution,
                receipts=b"",
                root_day=UNSEALED,
            )
            for each in some
        )
        deltas.bulk_create(
            deltas.model(
                **{name: getattr(each, name) for name in FIGURES},
                **{each.outcome: 1},
                durations=b"" if each.outcome == "skipped" else histogram.alone(each.wall_us),
            )
            for each in some
        )
        commits.filter(pk__in=[each.pk for each in some]).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("scripting", "0041_rows_as_they_are"),
    ]

    operations = [
        migrations.CreateModel(
            name="LoneCommit",
            fields=[
                ("id", scripting.models.lone_commits.RowNumber(primary_key=True, serialize=False)),
                ("start", models.DateTimeField(help_text="The minute that begins here.")),
                ("outcome", models.CharField(help_text="The status of the execution.", max_length=16)),
                ("wall_us", models.BigIntegerField()),
                ("cpu_us", models.BigIntegerField()),
                ("module", models.CharField(max_length=64)),
                ("chain", models.UUIDField()),
                ("number", models.PositiveIntegerField()),
                ("previous", models.BinaryField()),
                ("digest", models.BinaryField()),
                ("salt", models.BinaryField()),
                ("digests", models.BinaryField()),
                ("rows_digest", models.BinaryField()),
                ("execution", models.UUIDField(help_text="No foreign key: nothing is looked up to write it.")),
                ("made_at", models.DateTimeField()),
                (
                    "script",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripting.script",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripting.scriptversion",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.RunPython(migrations.RunPython.noop, file_all),
    ]
