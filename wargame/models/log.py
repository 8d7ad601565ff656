"""The battle log: every outcome, with the health before and after it and the script version that decided it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.db.models import F, Q

from wargame.models.game import Game
from wargame.models.unit import Unit
from wargame.play.steps import TEXT_LIMIT, Kind

KEYFRAME_EVERY = 100
"""Entries after which one holds the whole board again: at most so many are read to rebuild a moment."""


class LogKind(models.TextChoices):
    START = Kind.START.value, "Battle begins"
    MOVE = Kind.MOVE.value, "Move"
    MISS = Kind.MISS.value, "Miss"
    DAMAGE = Kind.DAMAGE.value, "Damage"
    CHAIN = Kind.CHAIN.value, "Chain reaction"
    DESTROYED = Kind.DESTROYED.value, "Destroyed"
    REFUSED = Kind.REFUSED.value, "Order refused"
    IGNORED = Kind.IGNORED.value, "Ignored"
    TURN = Kind.TURN.value, "New turn"
    END = Kind.END.value, "Battle ends"


class BattleLogQuerySet(models.QuerySet["BattleLogEntry"]):
    def after(self, sequence: int) -> BattleLogQuerySet:
        """Entries after `sequence`, in order."""
        return self.filter(sequence__gt=sequence).order_by("sequence")

    def latest_first(self) -> BattleLogQuerySet:
        return self.order_by("-sequence")

    def keyframes(self) -> BattleLogQuerySet:
        """Those that hold the whole board."""
        return self.filter(keyframe=True)


class BattleLogEntry(models.Model):
    """One outcome. The execution is a plain id, since executions are pruned and the log is not."""

    class Role(models.TextChoices):
        PRIMARY = "primary", "active version"
        RETRY = "retry", "retried"
        FALLBACK = "fallback", "fallback version"
        BUILT_IN = "built_in", "built-in rule"

    game = models.ForeignKey(Game, on_delete=models.CASCADE, related_name="log", db_index=False)
    sequence = models.PositiveBigIntegerField()
    turn = models.PositiveIntegerField()
    kind = models.CharField(max_length=12, choices=LogKind.choices)
    side = models.CharField(
        max_length=20,
        blank=True,
        default="",
        db_default="",
        help_text="Side of the unit that acted; of its target, where none did.",
    )
    text = models.CharField(max_length=TEXT_LIMIT)
    unit = models.ForeignKey(Unit, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    target = models.ForeignKey(Unit, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    before = models.PositiveIntegerField(null=True, blank=True, help_text="The target's health before.")
    after = models.PositiveIntegerField(null=True, blank=True, help_text="The target's health after.")
    critical = models.BooleanField(default=False)
    script = models.CharField(
        max_length=64, blank=True, help_text="The script that decided it; empty for the game itself."
    )
    version = models.PositiveIntegerField(null=True, blank=True)
    origin = models.CharField(max_length=20, blank=True)
    knobs = models.PositiveIntegerField(
        null=True, blank=True, help_text="Number of the set of values that its knobs had; empty: their defaults."
    )
    execution_id = models.UUIDField(null=True, blank=True)
    run = models.UUIDField(
        null=True, blank=True, help_text="The run whose outcome wrote the entry: the last of its decisions."
    )
    role = models.CharField(max_length=10, blank=True, choices=Role.choices)
    error = models.CharField(max_length=400, blank=True, help_text="Why the active version did not decide it.")
    decisions = models.JSONField(default=list, blank=True, help_text="Every script on the way here, first to last.")
    board = models.JSONField(
        null=True,
        blank=True,
        help_text="What changed of the board; all of it where it is a keyframe.",
    )
    keyframe = models.BooleanField(default=False, db_default=False)
    created = models.DateTimeField(auto_now_add=True)

    objects = BattleLogQuerySet.as_manager()

    class Meta:
        ordering = ("-game_id", "-sequence")
        verbose_name_plural = "battle log entries"
        constraints = (
            models.UniqueConstraint(fields=["game", "sequence"], name="wargame_log_of_a_game_in_order"),
            models.CheckConstraint(
                condition=Q(before=None, after=None) | Q(before__gte=F("after")), name="wargame_log_damage_never_heals"
            ),
        )
        # Beside the log of one battle, which its constraint serves: each filter over all battles, newest first.
        indexes = (
            models.Index(fields=["execution_id"], name="wargame_what_a_run_decided"),
            models.Index(fields=["run"], name="wargame_what_a_run_wrote"),
            models.Index(fields=["created"], name="wargame_log_by_time"),
            models.Index(fields=["kind", "-id"], name="wargame_log_of_kind"),
            models.Index(fields=["unit", "-id"], name="wargame_log_of_unit"),
            models.Index(fields=["target", "-id"], name="wargame_log_of_target"),
            models.Index(fields=["script", "version", "-id"], name="wargame_log_of_version"),
            models.Index(fields=["game", "-sequence"], condition=Q(keyframe=True), name="wargame_log_keyframes"),
        )

    def __str__(self) -> str:
        return f"{self.sequence}: {self.text}"

    @property
    def fell_back(self) -> bool:
        """Whether something else than the active version decided."""
        return self.role in ROLES_INSTEAD

    @property
    def decided_by(self) -> str:
        """`damage_calculator v3 · override`, or its fallback."""
        return decided_by({name: getattr(self, name) for name in ("script", "version", "origin", "role", "knobs")})


ROLES_INSTEAD = frozenset({BattleLogEntry.Role.FALLBACK, BattleLogEntry.Role.BUILT_IN})
"""Of what decides instead of the active version."""


def decided_by(decision: Mapping[str, Any]) -> str:
    """One of an entry's decisions in words: `damage_calculator v3 · override`; empty for the game itself."""
    script, version, origin = decision.get("script"), decision.get("version"), decision.get("origin", "")
    if not script:
        return ""
    if decision.get("role") == BattleLogEntry.Role.BUILT_IN or version is None:
        return f"{script} · built-in rule"
    label = {"embedded": "default", "file": "override", "editor": "override"}.get(origin, origin)
    knobs = decision.get("knobs")
    words = f"{script} v{version}" + (f" · {label}" if label else "") + (f" · knobs {knobs}" if knobs else "")
    return f"{words} · fallback" if decision.get("role") == BattleLogEntry.Role.FALLBACK else words
