"""The tables of release 0.1.0, for a new site. One that began with the migrations that this replaces goes on with them."""

import uuid

import django.core.validators
import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

import scripting.models.alerts
import scripting.models.gate
import scripting.models.ids
from scripting.storage.first_tables import FirstTables


class Migration(FirstTables):
    replaces = [
        ("scripting", "0001_initial"),
        ("scripting", "0002_stats"),
        ("scripting", "0003_breaker"),
        ("scripting", "0004_history"),
        ("scripting", "0005_error_group_index"),
        ("scripting", "0006_error_total"),
        ("scripting", "0007_attempt_log"),
        ("scripting", "0008_ten_minutes"),
        ("scripting", "0009_fallbacks"),
        ("scripting", "0010_rejected_files"),
        ("scripting", "0011_breaker_window"),
        ("scripting", "0012_names"),
        ("scripting", "0013_replay_report"),
        ("scripting", "0014_cases"),
        ("scripting", "0015_knobs"),
        ("scripting", "0016_api_token"),
        ("scripting", "0017_replay_job"),
        ("scripting", "0018_knob_curves"),
        ("scripting", "0019_gate"),
        ("scripting", "0020_reservoir"),
        ("scripting", "0021_repeat_check"),
        ("scripting", "0022_knob_schedules"),
        ("scripting", "0023_subscriptions"),
        ("scripting", "0024_plays"),
        ("scripting", "0025_gate_plays"),
        ("scripting", "0026_reviews"),
        ("scripting", "0027_receipts"),
        ("scripting", "0028_timetables"),
        ("scripting", "0029_alerts"),
        ("scripting", "0030_seen_files"),
        ("scripting", "0031_shared_decisions"),
    ]

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OutboxEvent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=scripting.models.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("topic", models.CharField(max_length=128)),
                ("envelope", models.BinaryField()),
                ("cause", models.UUIDField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Script",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("module", models.CharField(max_length=64)),
                ("name", models.CharField(max_length=64)),
                (
                    "language",
                    models.CharField(
                        blank=True, help_text="Language of the embedded default; empty without one.", max_length=32
                    ),
                ),
                (
                    "max_execution_time",
                    models.FloatField(blank=True, help_text="Seconds; empty: the module's limit.", null=True),
                ),
                (
                    "max_memory_bytes",
                    models.BigIntegerField(blank=True, help_text="Bytes; empty: the module's limit.", null=True),
                ),
                (
                    "enabled",
                    models.BooleanField(
                        default=True, help_text="A disabled script's events end skipped and the built-in rule runs."
                    ),
                ),
                (
                    "pinned",
                    models.BooleanField(default=False, help_text="Keep the active version when a new default ships."),
                ),
                ("retired_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "file_digest",
                    models.CharField(
                        blank=True, editable=False, help_text="sha256 of the file last seen.", max_length=64
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "active_version",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripting.scriptversion",
                    ),
                ),
                (
                    "default_version",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        help_text="The embedded default as this release ships it.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripting.scriptversion",
                    ),
                ),
                (
                    "rejected_basis",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="Where that file was rejected: sha256 of all that the verdict rests on. It is judged again once that changes.",
                        max_length=64,
                    ),
                ),
                (
                    "rejected_batch",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="The files that were rejected together with it.",
                        max_length=32,
                    ),
                ),
                (
                    "active_knobs",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        help_text="Values of its knobs; empty: the defaults of its text.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripting.knobset",
                    ),
                ),
                (
                    "held",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        editable=False,
                        help_text="Why the gate does not let that file through, or that it waits for its replay; empty where its check refused it.",
                        max_length=500,
                    ),
                ),
            ],
            options={
                "ordering": ["module", "name"],
                "permissions": [
                    ("edit_script", "Can write drafts of scripts"),
                    ("publish_script", "Can publish and roll back scripts"),
                    ("run_script", "Can run scripts"),
                    ("tune_script", "Can set the knobs of scripts"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("module", "name"), name="script_module_name_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("module__regex", "^[a-z][a-z0-9_]{0,63}$")), name="script_module_valid"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name__regex", "^[a-z][a-z0-9_]{0,63}$")), name="script_name_valid"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("max_execution_time", None), ("max_execution_time__gt", 0), _connector="OR"
                        ),
                        name="script_time_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("max_memory_bytes", None), ("max_memory_bytes__gt", 0), _connector="OR"),
                        name="script_memory_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScriptVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("language", models.CharField(max_length=32)),
                ("content", models.BinaryField(help_text="The text as written, byte for byte.")),
                ("source", models.TextField(help_text="The text as it may be shown and searched.")),
                ("sha256", models.CharField(max_length=64)),
                (
                    "origin",
                    models.CharField(
                        choices=[("embedded", "Embedded"), ("file", "File"), ("editor", "Editor")], max_length=16
                    ),
                ),
                ("message", models.TextField(blank=True)),
                ("accepted", models.BooleanField(help_text="Whether the text passed its check when it was stored.")),
                ("diagnostics", models.JSONField(blank=True, default=list)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "author",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "script",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="versions", to="scripting.script"
                    ),
                ),
            ],
            options={
                "ordering": ["script", "-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("script", "number"), name="version_number_unique"),
                    models.UniqueConstraint(fields=("script", "language", "sha256"), name="version_text_unique"),
                    models.CheckConstraint(condition=models.Q(("number__gte", 1)), name="version_number_positive"),
                ],
                "verbose_name": "version",
            },
        ),
        migrations.CreateModel(
            name="HistoricalScript",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("module", models.CharField(max_length=64)),
                ("name", models.CharField(max_length=64)),
                (
                    "language",
                    models.CharField(
                        blank=True, help_text="Language of the embedded default; empty without one.", max_length=32
                    ),
                ),
                (
                    "max_execution_time",
                    models.FloatField(blank=True, help_text="Seconds; empty: the module's limit.", null=True),
                ),
                (
                    "max_memory_bytes",
                    models.BigIntegerField(blank=True, help_text="Bytes; empty: the module's limit.", null=True),
                ),
                (
                    "enabled",
                    models.BooleanField(
                        default=True, help_text="A disabled script's events end skipped and the built-in rule runs."
                    ),
                ),
                (
                    "pinned",
                    models.BooleanField(default=False, help_text="Keep the active version when a new default ships."),
                ),
                ("retired_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "file_digest",
                    models.CharField(
                        blank=True, editable=False, help_text="sha256 of the file last seen.", max_length=64
                    ),
                ),
                ("created_at", models.DateTimeField(blank=True, editable=False)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "active_version",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="scripting.scriptversion",
                    ),
                ),
                (
                    "default_version",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        editable=False,
                        help_text="The embedded default as this release ships it.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="scripting.scriptversion",
                    ),
                ),
                (
                    "active_knobs",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        editable=False,
                        help_text="Values of its knobs; empty: the defaults of its text.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="scripting.knobset",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical script",
                "verbose_name_plural": "historical scripts",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Execution",
            fields=[
                ("bundle_digest", models.CharField(blank=True, max_length=64)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("primary", "Primary"),
                            ("retry", "Retry"),
                            ("fallback", "Fallback"),
                            ("built_in", "Built In"),
                        ],
                        default="primary",
                        max_length=16,
                    ),
                ),
                ("interpreter", models.CharField(blank=True, max_length=16)),
                ("seed", models.BigIntegerField(null=True)),
                ("clock_us", models.BigIntegerField(help_text="Microseconds since 1970 UTC.", null=True)),
                (
                    "host_calls",
                    models.BinaryField(
                        blank=True, default=b"", help_text="Calls of exposed functions with their answers."
                    ),
                ),
                (
                    "error_type",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("compilation", "compilation"),
                            ("invalid_syntax", "invalid_syntax"),
                            ("execution", "execution"),
                            ("timeout", "timeout"),
                            ("memory_limit", "memory_limit"),
                            ("security_violation", "security_violation"),
                            ("not_found", "not_found"),
                        ],
                        max_length=32,
                    ),
                ),
                ("error_message", models.TextField(blank=True)),
                ("error_script", models.CharField(blank=True, max_length=140)),
                ("error_line", models.IntegerField(null=True)),
                ("error_column", models.IntegerField(null=True)),
                ("compile_us", models.BigIntegerField(default=0)),
                ("wall_us", models.BigIntegerField(default=0)),
                ("cpu_us", models.BigIntegerField(default=0)),
                (
                    "memory_bytes",
                    models.BigIntegerField(
                        default=0, help_text="Peak above the idle sandbox, as the sandbox reports it."
                    ),
                ),
                ("host_us", models.BigIntegerField(default=0)),
                (
                    "id",
                    models.UUIDField(
                        default=scripting.models.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("event", "Event"),
                            ("endpoint", "Endpoint"),
                            ("manual", "Manual"),
                            ("replay", "Replay"),
                        ],
                        max_length=16,
                    ),
                ),
                ("event_id", models.CharField(max_length=64, null=True)),
                ("topic", models.CharField(blank=True, max_length=128)),
                (
                    "key",
                    models.CharField(blank=True, help_text="Ordering key: one run per key at a time.", max_length=128),
                ),
                ("depth", models.PositiveSmallIntegerField(default=0)),
                ("cause", models.UUIDField(help_text="The execution whose outcome published the event.", null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("succeeded", "Succeeded"),
                            ("fell_back", "Fell Back"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                            ("skipped", "Skipped"),
                            ("abandoned", "Abandoned"),
                        ],
                        max_length=16,
                    ),
                ),
                ("inputs", models.BinaryField(blank=True, default=b"")),
                ("inputs_text", models.TextField(blank=True)),
                ("result", models.BinaryField(null=True)),
                ("result_text", models.TextField(blank=True)),
                ("log", models.BinaryField(blank=True, default=b"")),
                ("log_truncated", models.BooleanField(default=False)),
                ("queued_at", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField()),
                ("worker", models.CharField(blank=True, max_length=128)),
                ("user", models.CharField(blank=True, max_length=150)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("deliveries", models.PositiveSmallIntegerField(default=1)),
                (
                    "script",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="executions",
                        to="scripting.script",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripting.scriptversion",
                    ),
                ),
                (
                    "error_version",
                    models.ForeignKey(
                        db_index=False,
                        help_text="Whose attempt failed first; another may have decided in its place.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripting.scriptversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["script", "-id"], name="execution_latest_of_script"),
                    models.Index(fields=["version", "-id"], name="execution_of_version"),
                    models.Index(fields=["topic", "-id"], name="execution_of_topic"),
                    models.Index(fields=["worker", "-id"], name="execution_of_worker"),
                    models.Index(
                        condition=models.Q(("status", "succeeded"), _negated=True),
                        fields=["status", "-id"],
                        name="execution_unusual_status",
                    ),
                    models.Index(
                        condition=models.Q(("trigger", "event"), _negated=True),
                        fields=["trigger", "-id"],
                        name="execution_unusual_trigger",
                    ),
                    models.Index(
                        condition=models.Q(("error_type__gt", "")),
                        fields=["error_type", "-id"],
                        name="execution_of_error_type",
                    ),
                    models.Index(
                        condition=models.Q(("user__gt", "")), fields=["user", "-id"], name="execution_of_user"
                    ),
                    models.Index(
                        condition=models.Q(("request_id__gt", "")), fields=["request_id"], name="execution_of_request"
                    ),
                    models.Index(
                        condition=models.Q(("cause__isnull", False)), fields=["cause"], name="execution_of_cause"
                    ),
                    models.Index(
                        condition=models.Q(("wall_us__gte", 10000)), fields=["-id"], name="execution_over_10000_us"
                    ),
                    models.Index(
                        condition=models.Q(("wall_us__gte", 100000)), fields=["-id"], name="execution_over_100000_us"
                    ),
                    models.Index(
                        condition=models.Q(("wall_us__gte", 1000000)), fields=["-id"], name="execution_over_1000000_us"
                    ),
                    models.Index(
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
                    models.Index(
                        models.Func(
                            models.F("error_version"),
                            output_field=models.BigIntegerField(),
                            template="COALESCE(%(expressions)s, 0)",
                        ),
                        models.OrderBy(models.F("id"), descending=True),
                        condition=models.Q(("error_version__isnull", False)),
                        name="execution_version_failed",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("event_id__isnull", False)),
                        fields=("event_id", "script"),
                        name="execution_once_per_event",
                    )
                ],
                "permissions": [
                    ("export_execution", "Can export executions"),
                    ("cancel_execution", "Can stop running executions"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("language", models.CharField(max_length=32)),
                ("source", models.TextField(blank=True)),
                (
                    "revision",
                    models.UUIDField(help_text="Changes with every save; a save naming another one is refused."),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "script",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="drafts", to="scripting.script"
                    ),
                ),
                (
                    "base_version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripting.scriptversion",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("script", "user"), name="draft_one_per_script_and_user")
                ],
            },
        ),
        migrations.CreateModel(
            name="BundleHelper",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("bundle_digest", models.CharField(max_length=64)),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="scripting.scriptversion"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("bundle_digest", "version"), name="bundle_helper_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("bundle_digest", models.CharField(blank=True, max_length=64)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("primary", "Primary"),
                            ("retry", "Retry"),
                            ("fallback", "Fallback"),
                            ("built_in", "Built In"),
                        ],
                        default="primary",
                        max_length=16,
                    ),
                ),
                ("interpreter", models.CharField(blank=True, max_length=16)),
                ("seed", models.BigIntegerField(null=True)),
                ("clock_us", models.BigIntegerField(help_text="Microseconds since 1970 UTC.", null=True)),
                (
                    "host_calls",
                    models.BinaryField(
                        blank=True, default=b"", help_text="Calls of exposed functions with their answers."
                    ),
                ),
                (
                    "error_type",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("compilation", "compilation"),
                            ("invalid_syntax", "invalid_syntax"),
                            ("execution", "execution"),
                            ("timeout", "timeout"),
                            ("memory_limit", "memory_limit"),
                            ("security_violation", "security_violation"),
                            ("not_found", "not_found"),
                        ],
                        max_length=32,
                    ),
                ),
                ("error_message", models.TextField(blank=True)),
                ("error_script", models.CharField(blank=True, max_length=140)),
                ("error_line", models.IntegerField(null=True)),
                ("error_column", models.IntegerField(null=True)),
                ("compile_us", models.BigIntegerField(default=0)),
                ("wall_us", models.BigIntegerField(default=0)),
                ("cpu_us", models.BigIntegerField(default=0)),
                (
                    "memory_bytes",
                    models.BigIntegerField(
                        default=0, help_text="Peak above the idle sandbox, as the sandbox reports it."
                    ),
                ),
                ("host_us", models.BigIntegerField(default=0)),
                ("ordinal", models.PositiveSmallIntegerField()),
                (
                    "execution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="attempts", to="scripting.execution"
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripting.scriptversion",
                    ),
                ),
                ("log", models.BinaryField(blank=True, default=b"")),
                ("log_truncated", models.BooleanField(default=False)),
            ],
            options={
                "ordering": ["execution", "ordinal"],
                "constraints": [
                    models.UniqueConstraint(fields=("execution", "ordinal"), name="attempt_ordinal_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="Activation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("default", "Default"),
                            ("file", "File"),
                            ("publish", "Publish"),
                            ("rollback", "Rollback"),
                            ("file_deleted", "File Deleted"),
                            ("upgrade", "Upgrade"),
                        ],
                        max_length=16,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "script",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="activations", to="scripting.script"
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="activations",
                        to="scripting.scriptversion",
                    ),
                ),
                (
                    "knobs",
                    models.ForeignKey(
                        blank=True,
                        help_text="The values of its knobs from then on; empty: the defaults of the text.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="activations",
                        to="scripting.knobset",
                    ),
                ),
                (
                    "override",
                    models.TextField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Why it went live although the gate was closed.",
                    ),
                ),
                (
                    "evidence",
                    models.ManyToManyField(
                        help_text="What was known of the change when it went live.",
                        related_name="activations",
                        to="scripting.evidence",
                    ),
                ),
                (
                    "review",
                    models.ForeignKey(
                        blank=True,
                        help_text="The review in which somebody else approved it.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="activations",
                        to="scripting.review",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["script", "-id"], name="activation_latest_of_script")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("version__isnull", False), ("cause", "file_deleted"), _connector="OR"),
                        name="activation_has_version",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="StatDelta",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.DateTimeField(help_text="The minute or hour that begins here.")),
                ("succeeded", models.BigIntegerField(default=0)),
                ("fell_back", models.BigIntegerField(default=0)),
                ("failed", models.BigIntegerField(default=0)),
                ("cancelled", models.BigIntegerField(default=0)),
                ("skipped", models.BigIntegerField(default=0)),
                ("abandoned", models.BigIntegerField(default=0)),
                (
                    "wall_us",
                    models.BigIntegerField(default=0, help_text="Sum of the wall time of the deciding attempts."),
                ),
                ("cpu_us", models.BigIntegerField(default=0)),
                (
                    "durations",
                    models.BinaryField(
                        default=b"", help_text="Histogram of wall times, see scripting.metrics.histogram."
                    ),
                ),
                (
                    "script",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripting.script",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
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
        migrations.CreateModel(
            name="ExecutionStat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.DateTimeField(help_text="The minute or hour that begins here.")),
                ("succeeded", models.BigIntegerField(default=0)),
                ("fell_back", models.BigIntegerField(default=0)),
                ("failed", models.BigIntegerField(default=0)),
                ("cancelled", models.BigIntegerField(default=0)),
                ("skipped", models.BigIntegerField(default=0)),
                ("abandoned", models.BigIntegerField(default=0)),
                (
                    "wall_us",
                    models.BigIntegerField(default=0, help_text="Sum of the wall time of the deciding attempts."),
                ),
                ("cpu_us", models.BigIntegerField(default=0)),
                (
                    "durations",
                    models.BinaryField(
                        default=b"", help_text="Histogram of wall times, see scripting.metrics.histogram."
                    ),
                ),
                (
                    "span",
                    models.CharField(
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
                (
                    "script",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripting.script",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripting.scriptversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-start"],
                "indexes": [
                    models.Index(fields=["script", "span", "start"], name="stat_of_script_over_time"),
                    models.Index(fields=["span", "start"], name="stat_over_time"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("version__isnull", False)),
                        fields=("span", "start", "script", "version"),
                        name="stat_of_version_unique",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("version", None)),
                        fields=("span", "start", "script"),
                        name="stat_without_version_unique",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Breaker",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("failures", models.PositiveIntegerField(default=0, help_text="Attempts that failed in a row.")),
                (
                    "opened_at",
                    models.DateTimeField(
                        help_text="Since when the fallback runs; empty while it is closed.", null=True
                    ),
                ),
                ("last_error", models.TextField(blank=True)),
                (
                    "version",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="breaker",
                        to="scripting.scriptversion",
                    ),
                ),
                ("window_at", models.DateTimeField(help_text="When the window of the failure rate began.", null=True)),
                (
                    "window_failures",
                    models.PositiveIntegerField(db_default=0, default=0, help_text="Failures among them."),
                ),
                (
                    "window_runs",
                    models.PositiveIntegerField(
                        db_default=0,
                        default=0,
                        help_text="Attempts in the window; while it is open those for which it opened.",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("opened_at__isnull", False)), fields=["opened_at"], name="breaker_open"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ErrorCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.DateTimeField()),
                ("count", models.BigIntegerField(default=0)),
                (
                    "group",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="counts",
                        to="scripting.errorgroup",
                    ),
                ),
            ],
            options={
                "ordering": ["start"],
                "constraints": [models.UniqueConstraint(fields=("group", "start"), name="error_count_unique")],
            },
        ),
        migrations.CreateModel(
            name="ErrorDelta",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fingerprint", models.CharField(max_length=64)),
                ("error_type", models.CharField(help_text="An error type, or `abandoned`.", max_length=32)),
                (
                    "error_script",
                    models.CharField(
                        blank=True, help_text="Where the line is: the script or a helper.", max_length=140
                    ),
                ),
                ("error_line", models.IntegerField(null=True)),
                ("message", models.TextField(blank=True, help_text="Of the latest.")),
                ("count", models.BigIntegerField(default=0)),
                (
                    "events",
                    models.BigIntegerField(default=0, help_text="Events among them; an event fails once on a script."),
                ),
                ("first_seen", models.DateTimeField()),
                ("last_seen", models.DateTimeField()),
                ("last_execution", models.UUIDField()),
                (
                    "script",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripting.script",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
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
        migrations.CreateModel(
            name="ErrorGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fingerprint", models.CharField(max_length=64)),
                ("error_type", models.CharField(help_text="An error type, or `abandoned`.", max_length=32)),
                (
                    "error_script",
                    models.CharField(
                        blank=True, help_text="Where the line is: the script or a helper.", max_length=140
                    ),
                ),
                ("error_line", models.IntegerField(null=True)),
                ("message", models.TextField(blank=True, help_text="Of the latest.")),
                ("count", models.BigIntegerField(default=0)),
                (
                    "events",
                    models.BigIntegerField(default=0, help_text="Events among them; an event fails once on a script."),
                ),
                ("first_seen", models.DateTimeField()),
                ("last_seen", models.DateTimeField()),
                ("last_execution", models.UUIDField()),
                (
                    "script",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripting.script",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripting.scriptversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-last_seen"],
                "permissions": [("resolve_errorgroup", "Can mark errors as resolved")],
                "indexes": [
                    models.Index(fields=["-last_seen"], name="error_group_latest"),
                    models.Index(fields=["script", "-last_seen"], name="error_group_of_script"),
                ],
                "constraints": [models.UniqueConstraint(fields=("fingerprint",), name="error_group_unique")],
                "verbose_name": "error",
            },
        ),
        migrations.CreateModel(
            name="Resolution",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("resolved", models.BooleanField(help_text="False: opened again.")),
                ("note", models.TextField()),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="resolutions",
                        to="scripting.errorgroup",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="RetentionMark",
            fields=[
                ("part", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("upto", models.UUIDField(default=uuid.UUID("00000000-0000-0000-0000-000000000000"))),
            ],
        ),
        migrations.CreateModel(
            name="ErrorTotal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("error_type", models.CharField(max_length=32)),
                ("count", models.BigIntegerField(default=0)),
                (
                    "script",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripting.script",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("script", "error_type"), name="error_total_unique")],
            },
        ),
        migrations.CreateModel(
            name="ReplayReport",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=scripting.models.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("candidate", models.CharField(help_text="Digest of the bundle that was tried.", max_length=64)),
                (
                    "text",
                    models.CharField(
                        help_text="sha256 of the script's text in it, as versions have it.", max_length=64
                    ),
                ),
                ("live", models.CharField(help_text="Digest of the bundle that was live.", max_length=64)),
                ("corpus", models.CharField(help_text="Digest of the executions' ids.", max_length=64)),
                (
                    "title",
                    models.CharField(
                        help_text="The candidate in words, such as `draft of ada` or `v3`.", max_length=200
                    ),
                ),
                ("user", models.CharField(blank=True, max_length=150)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "sentence",
                    models.CharField(
                        help_text="Its totals: `changes 37 of 200 decisions, 0 would fail`.", max_length=200
                    ),
                ),
                ("document", models.JSONField(help_text="As `replay_script --json` prints it.")),
                (
                    "script",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="replay_reports",
                        to="scripting.script",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("script", "candidate", "live", "corpus"), name="replay_report_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Case",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=64)),
                ("document", models.TextField()),
                ("digest", models.CharField(editable=False, help_text="sha256 of the document.", max_length=64)),
                (
                    "origin",
                    models.CharField(
                        choices=[("embedded", "Embedded"), ("file", "File"), ("editor", "Editor")], max_length=16
                    ),
                ),
                ("user", models.CharField(blank=True, help_text="Who wrote it last, in the browser.", max_length=150)),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "removed_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Deleted in the browser, though there is a file or a default: that counts again once it changes.",
                        null=True,
                    ),
                ),
                (
                    "file_digest",
                    models.CharField(blank=True, editable=False, help_text="Of the file last seen.", max_length=64),
                ),
                (
                    "default_digest",
                    models.CharField(
                        blank=True, editable=False, help_text="Of the module's own case last seen.", max_length=64
                    ),
                ),
                (
                    "script",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="cases", to="scripting.script"
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("script", "name"), name="case_script_name_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("name__regex", "^[a-z][a-z0-9_]{0,63}$")), name="case_name_valid"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="KnobSet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                (
                    "content",
                    models.TextField(
                        help_text="The values by name, as JSON with sorted keys. A knob that is not in it has its default."
                    ),
                ),
                ("sha256", models.CharField(max_length=64)),
                ("message", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "author",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "script",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="knob_sets", to="scripting.script"
                    ),
                ),
            ],
            options={
                "ordering": ["script", "-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("script", "number"), name="knob_set_number_unique"),
                    models.UniqueConstraint(fields=("script", "sha256"), name="knob_set_values_unique"),
                    models.CheckConstraint(condition=models.Q(("number__gte", 1)), name="knob_set_number_positive"),
                ],
            },
        ),
        migrations.CreateModel(
            name="BundleKnobs",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("bundle_digest", models.CharField(max_length=64)),
                (
                    "knobs",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="scripting.knobset"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("bundle_digest", "knobs"), name="bundle_knobs_unique")],
            },
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="The machine that uses it: `ci of the rules`.", max_length=100)),
                (
                    "public_id",
                    models.CharField(editable=False, help_text="Its readable part.", max_length=16, unique=True),
                ),
                (
                    "digest",
                    models.CharField(editable=False, help_text="HMAC-SHA256 of its secret part.", max_length=64),
                ),
                ("actions", models.JSONField(default=list, help_text="Names of actions.")),
                ("scripts", models.JSONField(default=list, help_text="Patterns of module/script, such as tavern/*.")),
                (
                    "networks",
                    models.JSONField(blank=True, default=list, help_text="Networks it may come from; empty: any."),
                ),
                (
                    "per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Requests it may make in a minute; empty: what the site allows.",
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "API token",
                "ordering": ["-id"],
                "permissions": [("publish_event", "Can publish events from outside")],
            },
        ),
        migrations.CreateModel(
            name="HistoricalApiToken",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("name", models.CharField(help_text="The machine that uses it: `ci of the rules`.", max_length=100)),
                (
                    "public_id",
                    models.CharField(db_index=True, editable=False, help_text="Its readable part.", max_length=16),
                ),
                ("actions", models.JSONField(default=list, help_text="Names of actions.")),
                ("scripts", models.JSONField(default=list, help_text="Patterns of module/script, such as tavern/*.")),
                (
                    "networks",
                    models.JSONField(blank=True, default=list, help_text="Networks it may come from; empty: any."),
                ),
                (
                    "per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Requests it may make in a minute; empty: what the site allows.",
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField(blank=True, editable=False)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical API token",
                "verbose_name_plural": "historical API tokens",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="ReplayJob",
            fields=[
                (
                    "report",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="job",
                        serialize=False,
                        to="scripting.replayreport",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("cancelled", "Cancelled"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=16,
                    ),
                ),
                ("decided", models.PositiveIntegerField(default=0, help_text="Executions decided so far.")),
                ("total", models.PositiveIntegerField(help_text="Executions of the corpus.")),
                ("chosen", models.CharField(help_text="The corpus in words, such as `the last 1000`.", max_length=200)),
                ("reason", models.CharField(blank=True, help_text="Why it failed.", max_length=300)),
                (
                    "bundles",
                    models.BinaryField(
                        help_text="Candidate and live: all that they are compiled from, until it is decided."
                    ),
                ),
                (
                    "executions",
                    models.BinaryField(help_text="Ids of the corpus, 16 bytes each, until they are decided."),
                ),
                ("queued_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "live_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="scripting.scriptversion"
                    ),
                ),
                ("since", models.DateTimeField(blank=True, null=True)),
                ("until", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "running"])),
                        fields=["state"],
                        name="replay_job_unfinished",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="KnobCurve",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("knob", models.CharField(blank=True, help_text="Empty: why none could be drawn.", max_length=64)),
                ("live", models.CharField(help_text="Digest of the bundle that was live.", max_length=64)),
                ("document", models.JSONField()),
                ("drawn_at", models.DateTimeField()),
                (
                    "script",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="knob_curves", to="scripting.script"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("script", "knob", "live"), name="knob_curve_once")],
            },
        ),
        migrations.CreateModel(
            name="Evidence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "rests_on",
                    models.CharField(help_text="sha256 of candidate, live bundle, cases and limits.", max_length=64),
                ),
                ("candidate", models.CharField(help_text="Digest of the bundle that was tried.", max_length=64)),
                (
                    "live",
                    models.CharField(
                        blank=True, help_text="Digest of the bundle that was live; empty for none.", max_length=64
                    ),
                ),
                ("title", models.CharField(help_text="The candidate in words.", max_length=200)),
                ("asked", models.PositiveIntegerField(help_text="Executions that were asked for.")),
                ("complete", models.BooleanField(help_text="Whether there was time for all of them.")),
                ("events", models.PositiveIntegerField(default=0)),
                ("same", models.PositiveIntegerField(default=0)),
                ("changed", models.PositiveIntegerField(default=0)),
                ("failing", models.PositiveIntegerField(default=0)),
                ("refused", models.PositiveIntegerField(default=0)),
                ("fixed", models.PositiveIntegerField(default=0)),
                ("left", models.PositiveIntegerField(default=0)),
                ("not_replayable", models.PositiveIntegerField(default=0)),
                ("cases", models.PositiveIntegerField(default=0)),
                ("red", models.JSONField(default=list, help_text="Names of the cases that do not hold.")),
                ("user", models.CharField(blank=True, max_length=150)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "report",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="scripting.replayreport",
                    ),
                ),
                (
                    "script",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="evidence", to="scripting.script"
                    ),
                ),
                (
                    "played",
                    models.JSONField(
                        help_text="Of whole plays, where the policy asked for them: how many, and the means with the change.",
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "evidence",
                "indexes": [models.Index(fields=["rests_on", "-id"], name="evidence_latest")],
            },
        ),
        migrations.CreateModel(
            name="GatePolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("module", models.CharField(blank=True, help_text="Empty: the whole site.", max_length=64)),
                (
                    "name",
                    models.CharField(
                        blank=True, help_text="Empty: every script of the module.", max_length=64, verbose_name="script"
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("follow", "follow the wider policy"),
                            ("off", "off"),
                            ("advise", "advise"),
                            ("require", "require"),
                        ],
                        default="advise",
                        max_length=16,
                    ),
                ),
                (
                    "last",
                    models.PositiveIntegerField(
                        default=1000,
                        help_text="So many of the newest executions are replayed.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100000),
                        ],
                        verbose_name="events",
                    ),
                ),
                (
                    "max_failing",
                    models.PositiveIntegerField(default=0, help_text="At most so many.", verbose_name="newly failing"),
                ),
                (
                    "max_refused",
                    models.PositiveIntegerField(
                        default=0, help_text="At most so many.", verbose_name="newly refused by the game"
                    ),
                ),
                (
                    "max_left",
                    models.PositiveIntegerField(
                        blank=True,
                        default=0,
                        help_text="At most so many; empty: any number.",
                        null=True,
                        verbose_name="left the recording",
                    ),
                ),
                (
                    "max_changed",
                    models.FloatField(
                        blank=True,
                        help_text="At most so many percent of the decisions; empty: all may.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="changed",
                    ),
                ),
                (
                    "max_red",
                    models.PositiveIntegerField(default=0, help_text="At most so many.", verbose_name="red cases"),
                ),
                (
                    "play_limits",
                    models.TextField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="One a line: a measure and between what its mean must lie, such as `ada_wins 45..55 %`. Empty: nothing is played.",
                        validators=[scripting.models.gate.check_play_limits],
                        verbose_name="measures of whole plays",
                    ),
                ),
                (
                    "plays",
                    models.PositiveIntegerField(
                        db_default=200,
                        default=200,
                        help_text="So many are played with live and with the change.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000),
                        ],
                        verbose_name="plays",
                    ),
                ),
                (
                    "alone",
                    models.FloatField(
                        db_default=0.5,
                        default=0.5,
                        help_text="At most so many percent of the decisions, none of them failing, and all cases green: goes live alone.",
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="changed without approval",
                    ),
                ),
                (
                    "approval",
                    models.CharField(
                        choices=[
                            ("none", "nobody's"),
                            ("above", "somebody else's, above a measured effect"),
                            ("always", "somebody else's, always"),
                        ],
                        db_default="none",
                        default="none",
                        help_text="Whose approval a change takes, whatever replay and cases find.",
                        max_length=16,
                    ),
                ),
            ],
            options={
                "verbose_name": "gate policy",
                "verbose_name_plural": "gate policies",
                "ordering": ["module", "name"],
                "permissions": [("override_gate", "Can make a version live although the gate is closed")],
                "constraints": [
                    models.UniqueConstraint(fields=("module", "name"), name="gate_policy_once"),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), models.Q(("module", ""), _negated=True), _connector="OR"),
                        name="gate_policy_script_has_module",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoricalGatePolicy",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("module", models.CharField(blank=True, help_text="Empty: the whole site.", max_length=64)),
                (
                    "name",
                    models.CharField(
                        blank=True, help_text="Empty: every script of the module.", max_length=64, verbose_name="script"
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("follow", "follow the wider policy"),
                            ("off", "off"),
                            ("advise", "advise"),
                            ("require", "require"),
                        ],
                        default="advise",
                        max_length=16,
                    ),
                ),
                (
                    "last",
                    models.PositiveIntegerField(
                        default=1000,
                        help_text="So many of the newest executions are replayed.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100000),
                        ],
                        verbose_name="events",
                    ),
                ),
                (
                    "max_failing",
                    models.PositiveIntegerField(default=0, help_text="At most so many.", verbose_name="newly failing"),
                ),
                (
                    "max_refused",
                    models.PositiveIntegerField(
                        default=0, help_text="At most so many.", verbose_name="newly refused by the game"
                    ),
                ),
                (
                    "max_left",
                    models.PositiveIntegerField(
                        blank=True,
                        default=0,
                        help_text="At most so many; empty: any number.",
                        null=True,
                        verbose_name="left the recording",
                    ),
                ),
                (
                    "max_changed",
                    models.FloatField(
                        blank=True,
                        help_text="At most so many percent of the decisions; empty: all may.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="changed",
                    ),
                ),
                (
                    "max_red",
                    models.PositiveIntegerField(default=0, help_text="At most so many.", verbose_name="red cases"),
                ),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "play_limits",
                    models.TextField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="One a line: a measure and between what its mean must lie, such as `ada_wins 45..55 %`. Empty: nothing is played.",
                        validators=[scripting.models.gate.check_play_limits],
                        verbose_name="measures of whole plays",
                    ),
                ),
                (
                    "plays",
                    models.PositiveIntegerField(
                        db_default=200,
                        default=200,
                        help_text="So many are played with live and with the change.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000),
                        ],
                        verbose_name="plays",
                    ),
                ),
                (
                    "alone",
                    models.FloatField(
                        db_default=0.5,
                        default=0.5,
                        help_text="At most so many percent of the decisions, none of them failing, and all cases green: goes live alone.",
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="changed without approval",
                    ),
                ),
                (
                    "approval",
                    models.CharField(
                        choices=[
                            ("none", "nobody's"),
                            ("above", "somebody else's, above a measured effect"),
                            ("always", "somebody else's, always"),
                        ],
                        db_default="none",
                        default="none",
                        help_text="Whose approval a change takes, whatever replay and cases find.",
                        max_length=16,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical gate policy",
                "verbose_name_plural": "historical gate policies",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="KeptExecution",
            fields=[
                ("execution", models.UUIDField(primary_key=True, serialize=False)),
                ("kind", models.CharField(help_text="Digest of outcome, topic and shape of result.", max_length=16)),
                (
                    "number",
                    models.BigIntegerField(help_text="Drawn by the id: of each kind the smallest numbers are kept."),
                ),
                (
                    "script",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="scripting.script",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["script", "kind", "number"], name="reservoir_of_script")],
            },
        ),
        migrations.CreateModel(
            name="RepeatCheck",
            fields=[
                (
                    "script",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="repeat_check",
                        serialize=False,
                        to="scripting.script",
                    ),
                ),
                ("checked_at", models.DateTimeField()),
                ("events", models.PositiveIntegerField(help_text="Decisions that were made again.")),
                (
                    "not_replayable",
                    models.PositiveIntegerField(help_text="Further ones whose record does not allow it."),
                ),
                ("different", models.PositiveIntegerField(help_text="Those that came out otherwise.")),
                ("what", models.CharField(blank=True, help_text="How many in which class.", max_length=300)),
                ("example_id", models.UUIDField(help_text="An execution that came out otherwise.", null=True)),
            ],
        ),
        migrations.CreateModel(
            name="KnobSchedule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "Planned"),
                            ("live", "Live"),
                            ("over", "Over"),
                            ("cancelled", "Cancelled"),
                            ("refused", "Refused"),
                        ],
                        default="planned",
                        max_length=16,
                    ),
                ),
                ("reason", models.TextField()),
                ("note", models.TextField(blank=True, help_text="Why it did not begin, or what became of its end.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "author",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "before",
                    models.ForeignKey(
                        blank=True,
                        help_text="The set that was live when it began; empty: the defaults.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripting.knobset",
                    ),
                ),
                (
                    "knobs",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="scripting.knobset"
                    ),
                ),
                (
                    "script",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="knob_schedules",
                        to="scripting.script",
                    ),
                ),
            ],
            options={
                "ordering": ["-starts_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["planned", "live"])),
                        fields=["starts_at"],
                        name="knob_schedule_open",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="knob_schedule_has_time"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PlannedSubscription",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("topic", models.CharField(max_length=128)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "script",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="planned_subscription",
                        to="scripting.script",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SubscriptionSet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("topic", models.CharField(max_length=128)),
                ("number", models.PositiveIntegerField()),
                (
                    "content",
                    models.TextField(help_text="A list of subscribers as JSON, in the order in which they run."),
                ),
                ("sha256", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "author",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["topic", "-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("topic", "number"), name="subscription_set_number_unique"),
                    models.UniqueConstraint(fields=("topic", "sha256"), name="subscription_set_content_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1)), name="subscription_set_number_positive"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SubscriptionActivation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("topic", models.CharField(max_length=128)),
                ("reason", models.TextField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "chosen",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: as the modules' code says.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="activations",
                        to="scripting.subscriptionset",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["topic", "-id"], name="subscriptions_of_topic")],
            },
        ),
        migrations.CreateModel(
            name="PlayComparison",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=scripting.models.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("rests_on", models.CharField(help_text="sha256 over the bundles of both sides.", max_length=64)),
                ("seed", models.BigIntegerField(help_text="Of the first play; each next one has the next.")),
                ("asked", models.PositiveIntegerField(help_text="Plays with each side that were asked for.")),
                (
                    "stops_early",
                    models.BooleanField(help_text="Whether it ends as soon as a measure differs beyond doubt."),
                ),
                (
                    "title",
                    models.CharField(
                        help_text="The candidate in words, such as `draft of ada` or `v3`.", max_length=200
                    ),
                ),
                ("user", models.CharField(blank=True, max_length=150)),
                (
                    "bundles",
                    models.BinaryField(help_text="Both sides: all that each script of the module is compiled from."),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("cancelled", "Cancelled"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=16,
                    ),
                ),
                ("played", models.PositiveIntegerField(default=0, help_text="Plays with each side so far.")),
                ("reason", models.CharField(blank=True, help_text="Why it failed.", max_length=300)),
                ("sentence", models.CharField(max_length=200)),
                ("document", models.JSONField(default=dict, help_text="As `simulate --json` prints it, and more.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("queued_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "script",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="play_comparisons",
                        to="scripting.script",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "running"])),
                        fields=["state"],
                        name="play_comparison_unfinished",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("script", "rests_on", "seed", "asked", "stops_early"), name="play_comparison_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoricalReview",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("reason", models.TextField(help_text="Why it is to go live.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("approved", "Approved"),
                            ("refused", "Refused"),
                            ("withdrawn", "Withdrawn"),
                            ("lapsed", "Lapsed"),
                            ("live", "Live"),
                        ],
                        default="open",
                        max_length=16,
                    ),
                ),
                ("asked_at", models.DateTimeField(blank=True, editable=False)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decision",
                    models.TextField(blank=True, help_text="Why it was approved, refused, withdrawn, or lapsed."),
                ),
                ("approved_at", models.DateTimeField(blank=True, help_text="Empty unless it was approved.", null=True)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical review",
                "verbose_name_plural": "historical reviews",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.TextField(help_text="Why it is to go live.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("approved", "Approved"),
                            ("refused", "Refused"),
                            ("withdrawn", "Withdrawn"),
                            ("lapsed", "Lapsed"),
                            ("live", "Live"),
                        ],
                        default="open",
                        max_length=16,
                    ),
                ),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decision",
                    models.TextField(blank=True, help_text="Why it was approved, refused, withdrawn, or lapsed."),
                ),
                ("approved_at", models.DateTimeField(blank=True, help_text="Empty unless it was approved.", null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "permissions": [("approve_review", "Can approve what others want to make live")],
                "indexes": [models.Index(condition=models.Q(("state", "open")), fields=["id"], name="review_open")],
            },
        ),
        migrations.CreateModel(
            name="ReviewedChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "live",
                    models.CharField(
                        blank=True, help_text="Digest of the bundle that was live; empty for none.", max_length=64
                    ),
                ),
                ("candidate", models.CharField(help_text="Digest of the bundle that is to be.", max_length=64)),
                (
                    "review",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="changes", to="scripting.review"
                    ),
                ),
                (
                    "script",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="scripting.script"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [models.Index(fields=["script", "candidate", "live"], name="reviewed_change_found")],
            },
        ),
        migrations.CreateModel(
            name="ReviewedText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("of_knobs", models.BooleanField(default=False, help_text="Whether the values are what changes.")),
                (
                    "base",
                    models.ForeignKey(
                        help_text="What was live when it was asked.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripting.scriptversion",
                    ),
                ),
                (
                    "base_knobs",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="scripting.knobset"
                    ),
                ),
                (
                    "knobs",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="scripting.knobset"
                    ),
                ),
                (
                    "review",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="texts", to="scripting.review"
                    ),
                ),
                (
                    "script",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="scripting.script"
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="scripting.scriptversion"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [models.UniqueConstraint(fields=("review", "script"), name="reviewed_text_once")],
            },
        ),
        migrations.CreateModel(
            name="ReviewComment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "line",
                    models.PositiveIntegerField(blank=True, help_text="Of the text; empty: of no line.", null=True),
                ),
                ("body", models.TextField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("resolved_at", models.DateTimeField(null=True)),
                (
                    "answers",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="answered_by",
                        to="scripting.reviewcomment",
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "resolved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "review",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="comments", to="scripting.review"
                    ),
                ),
                (
                    "text",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="comments",
                        to="scripting.reviewedtext",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="ReviewNote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("words", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("read_at", models.DateTimeField(null=True)),
                ("mailed_at", models.DateTimeField(null=True)),
                (
                    "review",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="notes", to="scripting.review"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(condition=models.Q(("read_at", None)), fields=["user"], name="review_note_unread"),
                    models.Index(condition=models.Q(("mailed_at", None)), fields=["id"], name="review_note_unsent"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReceiptLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("module", models.CharField(max_length=64)),
                ("chain", models.UUIDField(help_text="One for each start of a process, module and connection.")),
                ("number", models.PositiveIntegerField(help_text="From 1 in its chain, without a gap.")),
                ("previous", models.BinaryField(help_text="Digest of the link before; 32 zeros for the first.")),
                ("digest", models.BinaryField()),
                (
                    "salt",
                    models.BinaryField(help_text="Secret: with it, what a shared receipt withholds could be guessed."),
                ),
                ("receipts", models.BinaryField(help_text="Receipts of equal length, one after the other.")),
                ("first", models.UUIDField(help_text="Smallest id of its executions.")),
                ("last", models.UUIDField(help_text="Largest id of its executions.")),
                ("made_at", models.DateTimeField()),
                (
                    "root_day",
                    models.DateField(
                        help_text="The day whose root holds it; empty until that is published.", null=True
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["-first"], name="receipt_link_of_execution"),
                    models.Index(fields=["root_day", "module", "made_at"], name="receipt_link_of_root"),
                ],
                "constraints": [models.UniqueConstraint(fields=("chain", "number"), name="receipt_link_number_unique")],
            },
        ),
        migrations.CreateModel(
            name="ReceiptRoot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("module", models.CharField(max_length=64)),
                ("day", models.DateField()),
                ("receipts", models.PositiveBigIntegerField(help_text="How many receipts it holds.")),
                ("links", models.PositiveIntegerField()),
                (
                    "activations_upto",
                    models.BigIntegerField(
                        default=0, help_text="Id of the newest activation that it or a root before it holds."
                    ),
                ),
                ("activations", models.PositiveIntegerField(default=0, help_text="How many activations it holds.")),
                ("tree", models.BinaryField(help_text="Top of the tree over receipts and activations.")),
                (
                    "previous",
                    models.BinaryField(help_text="Digest of the module's root before; 32 zeros for the first."),
                ),
                ("digest", models.BinaryField(help_text="The root: over module, day, counts, tree and previous.")),
                ("made_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-day", "module"],
                "constraints": [models.UniqueConstraint(fields=("module", "day"), name="receipt_root_unique")],
            },
        ),
        migrations.CreateModel(
            name="SharedDecision",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=scripting.models.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "execution",
                    models.UUIDField(db_index=True, help_text="No foreign key: it may be deleted by its age."),
                ),
                (
                    "token_digest",
                    models.CharField(
                        editable=False, help_text="sha256 of the link's secret.", max_length=64, unique=True
                    ),
                ),
                ("reason", models.CharField(max_length=500)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(editable=False, null=True)),
                ("page", models.JSONField(default=dict, editable=False, help_text="What the page shows.")),
                ("bundle", models.TextField(editable=False, help_text="What the verifier checks, as JSON.")),
                (
                    "created_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "revoked_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "is_complete",
                    models.BooleanField(
                        db_default=False, default=False, editable=False, help_text="The bundle has its root."
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "permissions": [("share_execution", "Can share decisions by a link that needs no login")],
            },
        ),
        migrations.CreateModel(
            name="HistoricalSchedule",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("name", models.CharField(db_index=True, max_length=140)),
                (
                    "cron",
                    models.CharField(
                        blank=True,
                        help_text="Minute, hour, day of the month, month, day of the week: 0 9 * * 1-5. Empty: an interval.",
                        max_length=100,
                        verbose_name="cron expression",
                    ),
                ),
                (
                    "seconds",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Seconds from one time to the next; 0: a cron expression.",
                        verbose_name="interval",
                    ),
                ),
                (
                    "zone",
                    models.CharField(
                        default="UTC",
                        help_text="Whose clocks: Europe/Berlin, or UTC.",
                        max_length=64,
                        verbose_name="time zone",
                    ),
                ),
                (
                    "topic",
                    models.CharField(
                        blank=True, help_text="The event to publish; empty: a script is run.", max_length=128
                    ),
                ),
                (
                    "payload",
                    models.JSONField(blank=True, default=dict, help_text="What the event carries, or the script gets."),
                ),
                (
                    "key",
                    models.CharField(
                        blank=True,
                        help_text="Ordering key of its events; empty: one of the schedule's own.",
                        max_length=128,
                    ),
                ),
                (
                    "missed",
                    models.CharField(
                        choices=[
                            ("once", "run once for all that were missed"),
                            ("all", "run the last ones that were missed, up to a number"),
                            ("skip", "leave out what was missed"),
                        ],
                        default="once",
                        max_length=8,
                    ),
                ),
                (
                    "most",
                    models.PositiveIntegerField(
                        default=10, help_text="How many missed times run at the most, where all are to run."
                    ),
                ),
                (
                    "overlap",
                    models.CharField(
                        choices=[
                            ("skip", "leave out a time while the run before is not done"),
                            ("queue", "wait for the run before, then run"),
                        ],
                        default="skip",
                        max_length=8,
                    ),
                ),
                (
                    "enabled",
                    models.BooleanField(default=True, help_text="A schedule that is paused is due at no time."),
                ),
                (
                    "begins_at",
                    models.DateTimeField(
                        editable=False, help_text="Intervals count from here; nothing before it is due."
                    ),
                ),
                ("created_at", models.DateTimeField(blank=True, editable=False)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "author",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "script",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="The script to run; empty: an event is published.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="scripting.script",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical schedule",
                "verbose_name_plural": "historical schedules",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Schedule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=140, unique=True)),
                (
                    "cron",
                    models.CharField(
                        blank=True,
                        help_text="Minute, hour, day of the month, month, day of the week: 0 9 * * 1-5. Empty: an interval.",
                        max_length=100,
                        verbose_name="cron expression",
                    ),
                ),
                (
                    "seconds",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Seconds from one time to the next; 0: a cron expression.",
                        verbose_name="interval",
                    ),
                ),
                (
                    "zone",
                    models.CharField(
                        default="UTC",
                        help_text="Whose clocks: Europe/Berlin, or UTC.",
                        max_length=64,
                        verbose_name="time zone",
                    ),
                ),
                (
                    "topic",
                    models.CharField(
                        blank=True, help_text="The event to publish; empty: a script is run.", max_length=128
                    ),
                ),
                (
                    "payload",
                    models.JSONField(blank=True, default=dict, help_text="What the event carries, or the script gets."),
                ),
                (
                    "key",
                    models.CharField(
                        blank=True,
                        help_text="Ordering key of its events; empty: one of the schedule's own.",
                        max_length=128,
                    ),
                ),
                (
                    "missed",
                    models.CharField(
                        choices=[
                            ("once", "run once for all that were missed"),
                            ("all", "run the last ones that were missed, up to a number"),
                            ("skip", "leave out what was missed"),
                        ],
                        default="once",
                        max_length=8,
                    ),
                ),
                (
                    "most",
                    models.PositiveIntegerField(
                        default=10, help_text="How many missed times run at the most, where all are to run."
                    ),
                ),
                (
                    "overlap",
                    models.CharField(
                        choices=[
                            ("skip", "leave out a time while the run before is not done"),
                            ("queue", "wait for the run before, then run"),
                        ],
                        default="skip",
                        max_length=8,
                    ),
                ),
                (
                    "enabled",
                    models.BooleanField(default=True, help_text="A schedule that is paused is due at no time."),
                ),
                (
                    "default_digest",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="Of what its module's code says of it; empty: made by people.",
                        max_length=64,
                    ),
                ),
                (
                    "begins_at",
                    models.DateTimeField(
                        editable=False, help_text="Intervals count from here; nothing before it is due."
                    ),
                ),
                (
                    "settled_until",
                    models.DateTimeField(editable=False, help_text="Every due time up to here is settled."),
                ),
                ("next_due", models.DateTimeField(editable=False, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "author",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "script",
                    models.ForeignKey(
                        blank=True,
                        help_text="The script to run; empty: an event is published.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="schedules",
                        to="scripting.script",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "indexes": [
                    models.Index(condition=models.Q(("enabled", True)), fields=["next_due"], name="schedule_due")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("cron", ""), ("seconds__gt", 0)),
                            models.Q(models.Q(("cron", ""), _negated=True), ("seconds", 0)),
                            _connector="OR",
                        ),
                        name="schedule_has_times",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("script__isnull", False), ("topic", "")),
                            models.Q(models.Q(("topic", ""), _negated=True), ("script__isnull", True)),
                            _connector="OR",
                        ),
                        name="schedule_has_aim",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScheduleRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("published", "Published"),
                            ("missed", "Missed"),
                            ("overlapped", "Overlapped"),
                            ("refused", "Refused"),
                        ],
                        max_length=12,
                    ),
                ),
                ("event_id", models.CharField(blank=True, max_length=64)),
                ("subscribers", models.PositiveIntegerField(default=0, help_text="Scripts that run on its event.")),
                (
                    "left_out",
                    models.PositiveIntegerField(
                        default=0, help_text="Due times before it that were missed and do not run."
                    ),
                ),
                ("by_hand", models.BooleanField(default=False)),
                ("note", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "schedule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="runs", to="scripting.schedule"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["schedule", "-id"], name="schedule_runs_latest")],
                "constraints": [models.UniqueConstraint(fields=("schedule", "due_at"), name="schedule_due_once")],
            },
        ),
        migrations.CreateModel(
            name="AlertReceiver",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("webhook", "webhook"),
                            ("slack", "Slack"),
                            ("discord", "Discord"),
                            ("mail", "e-mail"),
                        ],
                        default="webhook",
                        max_length=16,
                    ),
                ),
                (
                    "address",
                    models.CharField(help_text="A URL; of e-mail, addresses with commas between.", max_length=1000),
                ),
                (
                    "secret",
                    models.CharField(
                        blank=True,
                        default=scripting.models.alerts.new_secret,
                        help_text="Signs what a webhook gets.",
                        max_length=200,
                    ),
                ),
                (
                    "enabled",
                    models.BooleanField(
                        default=True, help_text="What waits for a receiver that is not enabled goes on waiting."
                    ),
                ),
                (
                    "quiet_from",
                    models.TimeField(blank=True, help_text="From this time of the day messages wait.", null=True),
                ),
                ("quiet_until", models.TimeField(blank=True, help_text="Until this time.", null=True)),
                (
                    "zone",
                    models.CharField(
                        default="UTC", help_text="Time zone of both, such as Europe/Berlin.", max_length=64
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="AlertRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("failures", "failure rate of a script (percent)"),
                            ("breaker", "a breaker is open"),
                            ("file", "a file is rejected or held"),
                            ("event_age", "an event waits (seconds)"),
                            ("dead_letters", "dead letters (number)"),
                            ("workers", "workers are missing (fewer than so many live)"),
                            ("replay", "a replay found changed decisions (percent)"),
                        ],
                        max_length=16,
                    ),
                ),
                ("module", models.CharField(blank=True, help_text="Empty: every module.", max_length=64)),
                ("script", models.CharField(blank=True, help_text="Empty: every script.", max_length=64)),
                (
                    "limit",
                    models.FloatField(
                        default=1,
                        help_text="Told above it (of workers: below it); without meaning for breakers and files.",
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(1000000000),
                        ],
                    ),
                ),
                (
                    "minutes",
                    models.PositiveIntegerField(
                        default=10,
                        help_text="Of failures and replays: how far it looks back.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1440),
                        ],
                    ),
                ),
                (
                    "least_runs",
                    models.PositiveIntegerField(default=20, help_text="Of failures: with fewer runs nothing is told."),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("receivers", models.ManyToManyField(blank=True, related_name="rules", to="scripting.alertreceiver")),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "cause",
                    models.CharField(
                        help_text="What it is about; there is one alert of a cause at a time.", max_length=200
                    ),
                ),
                ("words", models.CharField(max_length=500)),
                ("begun_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField(help_text="When it was last seen.")),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "rule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="alerts", to="scripting.alertrule"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["ended_at"], name="alert_ended")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)), fields=("rule", "cause"), name="alert_once_at_a_time"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoricalAlertReceiver",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("name", models.CharField(db_index=True, max_length=100)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("webhook", "webhook"),
                            ("slack", "Slack"),
                            ("discord", "Discord"),
                            ("mail", "e-mail"),
                        ],
                        default="webhook",
                        max_length=16,
                    ),
                ),
                (
                    "address",
                    models.CharField(help_text="A URL; of e-mail, addresses with commas between.", max_length=1000),
                ),
                (
                    "enabled",
                    models.BooleanField(
                        default=True, help_text="What waits for a receiver that is not enabled goes on waiting."
                    ),
                ),
                (
                    "quiet_from",
                    models.TimeField(blank=True, help_text="From this time of the day messages wait.", null=True),
                ),
                ("quiet_until", models.TimeField(blank=True, help_text="Until this time.", null=True)),
                (
                    "zone",
                    models.CharField(
                        default="UTC", help_text="Time zone of both, such as Europe/Berlin.", max_length=64
                    ),
                ),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical alert receiver",
                "verbose_name_plural": "historical alert receivers",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalAlertRule",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("name", models.CharField(db_index=True, max_length=100)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("failures", "failure rate of a script (percent)"),
                            ("breaker", "a breaker is open"),
                            ("file", "a file is rejected or held"),
                            ("event_age", "an event waits (seconds)"),
                            ("dead_letters", "dead letters (number)"),
                            ("workers", "workers are missing (fewer than so many live)"),
                            ("replay", "a replay found changed decisions (percent)"),
                        ],
                        max_length=16,
                    ),
                ),
                ("module", models.CharField(blank=True, help_text="Empty: every module.", max_length=64)),
                ("script", models.CharField(blank=True, help_text="Empty: every script.", max_length=64)),
                (
                    "limit",
                    models.FloatField(
                        default=1,
                        help_text="Told above it (of workers: below it); without meaning for breakers and files.",
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(1000000000),
                        ],
                    ),
                ),
                (
                    "minutes",
                    models.PositiveIntegerField(
                        default=10,
                        help_text="Of failures and replays: how far it looks back.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1440),
                        ],
                    ),
                ),
                (
                    "least_runs",
                    models.PositiveIntegerField(default=20, help_text="Of failures: with fewer runs nothing is told."),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical alert rule",
                "verbose_name_plural": "historical alert rules",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="AlertMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "about",
                    models.CharField(choices=[("begun", "Begun"), ("ended", "Ended"), ("test", "Test")], max_length=8),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("delivered", "Delivered"), ("given_up", "given up")],
                        default="waiting",
                        max_length=12,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("due_at", models.DateTimeField()),
                ("taken_at", models.DateTimeField(help_text="When a process took it to send it.", null=True)),
                ("answer", models.CharField(blank=True, help_text="What came of the last attempt.", max_length=300)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("delivered_at", models.DateTimeField(null=True)),
                (
                    "alert",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="scripting.alert",
                    ),
                ),
                (
                    "receiver",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="scripting.alertreceiver",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(condition=models.Q(("state", "waiting")), fields=["due_at"], name="alert_message_due"),
                    models.Index(fields=["created_at"], name="alert_message_age"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SeenFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "folder",
                    models.CharField(help_text="Name of the scripts folder, as in its file .folder.", max_length=64),
                ),
                ("path", models.CharField(help_text="module/script, of a case module/script/case.", max_length=200)),
                ("digest", models.CharField(max_length=64)),
                ("seen_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("folder", "path"), name="seen_file_unique")],
            },
        ),
    ]
