"""The tables of release 0.1.0, for a new site. One that began with the migrations that this replaces goes on with them."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from scripting.storage.first_tables import FirstTables


class Migration(FirstTables):
    replaces = [("wargame", "0001_initial"), ("wargame", "0002_names"), ("wargame", "0003_log_and_moments")]

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Game",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "status",
                    models.CharField(
                        choices=[("running", "Running"), ("finished", "Finished")], default="running", max_length=10
                    ),
                ),
                (
                    "phase",
                    models.CharField(
                        choices=[("movement", "Movement"), ("combat", "Combat"), ("over", "Over")],
                        default="movement",
                        max_length=10,
                    ),
                ),
                ("turn", models.PositiveIntegerField(default=1)),
                ("map_name", models.CharField(max_length=60)),
                (
                    "terrain",
                    models.TextField(help_text="Rows of terrain letters, as the map was when the battle began."),
                ),
                (
                    "seed",
                    models.PositiveBigIntegerField(help_text="Decides deployment and the order in which units act."),
                ),
                (
                    "demo",
                    models.BooleanField(
                        default=True, help_text="The battle that the start page shows; at most one runs."
                    ),
                ),
                ("outcome", models.CharField(blank=True, help_text="How it ended, in a sentence.", max_length=200)),
                (
                    "sequence",
                    models.PositiveBigIntegerField(default=0, help_text="Number of the last entry in the battle log."),
                ),
                ("started", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended", models.DateTimeField(blank=True, null=True)),
                (
                    "winner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="games_won",
                        to="wargame.side",
                    ),
                ),
            ],
            options={
                "ordering": ("-pk",),
                "permissions": (("play_game", "Can give orders and fire test shots"),),
                "indexes": [models.Index(fields=["status", "-id"], name="wargame_running_games")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("demo", True), ("status", "running")),
                        fields=("demo",),
                        name="wargame_one_running_demo",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended", None), ("status", "running"), ("winner", None)),
                            models.Q(("ended__isnull", False), ("status", "finished")),
                            _connector="OR",
                        ),
                        name="wargame_finished_games_have_an_end",
                    ),
                    models.CheckConstraint(condition=models.Q(("turn__gte", 1)), name="wargame_turns_count_from_one"),
                ],
                "verbose_name": "battle",
            },
        ),
        migrations.CreateModel(
            name="Side",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=20)),
                ("name", models.CharField(max_length=60)),
                (
                    "score",
                    models.PositiveIntegerField(
                        default=0, help_text="Points of damage done, and a bonus for each unit destroyed."
                    ),
                ),
                (
                    "game",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="sides", to="wargame.game"
                    ),
                ),
            ],
            options={
                "ordering": ("pk",),
                "constraints": [models.UniqueConstraint(fields=("game", "key"), name="wargame_side_keys_are_unique")],
            },
        ),
        migrations.CreateModel(
            name="Unit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(help_text="Its id in events, such as harbour-armour-1.", max_length=60)),
                ("name", models.CharField(max_length=60)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("infantry", "Infantry"),
                            ("scouts", "Scouts"),
                            ("armour", "Armour"),
                            ("artillery", "Artillery"),
                            ("anti_tank", "Anti-tank"),
                            ("engineers", "Engineers"),
                        ],
                        max_length=20,
                    ),
                ),
                ("health", models.PositiveIntegerField()),
                ("max_health", models.PositiveIntegerField()),
                ("x", models.PositiveSmallIntegerField(help_text="Column, from 0 at the left.")),
                ("y", models.PositiveSmallIntegerField(help_text="Row, from 0 at the top.")),
                (
                    "moved_turn",
                    models.PositiveIntegerField(default=0, help_text="The last turn in which it was ordered to move."),
                ),
                (
                    "acted_turn",
                    models.PositiveIntegerField(
                        default=0, help_text="The last turn in which it was ordered to attack."
                    ),
                ),
                (
                    "game",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="units", to="wargame.game"
                    ),
                ),
                (
                    "side",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="units", to="wargame.side"
                    ),
                ),
            ],
            options={
                "ordering": ("pk",),
                "constraints": [
                    models.UniqueConstraint(fields=("game", "code"), name="wargame_unit_codes_are_unique"),
                    models.UniqueConstraint(
                        condition=models.Q(("health__gt", 0)),
                        fields=("game", "x", "y"),
                        name="wargame_one_living_unit_per_hex",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("health__gte", 0), ("health__lte", models.F("max_health"))),
                        name="wargame_health_within_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ["anti_tank", "armour", "artillery", "engineers", "infantry", "scouts"])
                        ),
                        name="wargame_known_kinds",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BattleLogEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sequence", models.PositiveBigIntegerField()),
                ("turn", models.PositiveIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("start", "Battle begins"),
                            ("move", "Move"),
                            ("miss", "Miss"),
                            ("damage", "Damage"),
                            ("chain", "Chain reaction"),
                            ("destroyed", "Destroyed"),
                            ("refused", "Order refused"),
                            ("ignored", "Ignored"),
                            ("turn", "New turn"),
                            ("end", "Battle ends"),
                        ],
                        max_length=12,
                    ),
                ),
                ("text", models.CharField(max_length=400)),
                ("before", models.PositiveIntegerField(blank=True, help_text="The target's health before.", null=True)),
                ("after", models.PositiveIntegerField(blank=True, help_text="The target's health after.", null=True)),
                ("critical", models.BooleanField(default=False)),
                (
                    "script",
                    models.CharField(
                        blank=True, help_text="The script that decided it; empty for the game itself.", max_length=64
                    ),
                ),
                ("version", models.PositiveIntegerField(blank=True, null=True)),
                ("origin", models.CharField(blank=True, max_length=20)),
                ("execution_id", models.UUIDField(blank=True, null=True)),
                (
                    "role",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("primary", "active version"),
                            ("retry", "retried"),
                            ("fallback", "fallback version"),
                            ("built_in", "built-in rule"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "error",
                    models.CharField(blank=True, help_text="Why the active version did not decide it.", max_length=400),
                ),
                (
                    "decisions",
                    models.JSONField(
                        blank=True, default=list, help_text="Every script on the way here, first to last."
                    ),
                ),
                ("created", models.DateTimeField(auto_now_add=True)),
                (
                    "game",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="log", to="wargame.game"
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="wargame.unit",
                    ),
                ),
                (
                    "board",
                    models.JSONField(
                        blank=True, help_text="What changed of the board; all of it where it is a keyframe.", null=True
                    ),
                ),
                ("keyframe", models.BooleanField(db_default=False, default=False)),
                (
                    "knobs",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Number of the set of values that its knobs had; empty: their defaults.",
                        null=True,
                    ),
                ),
                (
                    "run",
                    models.UUIDField(
                        blank=True,
                        help_text="The run whose outcome wrote the entry: the last of its decisions.",
                        null=True,
                    ),
                ),
                (
                    "side",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Side of the unit that acted; of its target, where none did.",
                        max_length=20,
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="wargame.unit",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "battle log entries",
                "ordering": ("-game_id", "-sequence"),
                "indexes": [
                    models.Index(fields=["execution_id"], name="wargame_what_a_run_decided"),
                    models.Index(fields=["run"], name="wargame_what_a_run_wrote"),
                    models.Index(fields=["created"], name="wargame_log_by_time"),
                    models.Index(fields=["kind", "-id"], name="wargame_log_of_kind"),
                    models.Index(fields=["unit", "-id"], name="wargame_log_of_unit"),
                    models.Index(fields=["target", "-id"], name="wargame_log_of_target"),
                    models.Index(fields=["script", "version", "-id"], name="wargame_log_of_version"),
                    models.Index(
                        condition=models.Q(("keyframe", True)),
                        fields=["game", "-sequence"],
                        name="wargame_log_keyframes",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("game", "sequence"), name="wargame_log_of_a_game_in_order"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("after", None), ("before", None)),
                            ("before__gte", models.F("after")),
                            _connector="OR",
                        ),
                        name="wargame_log_damage_never_heals",
                    ),
                ],
            },
        ),
    ]
