"""The gate: its policies, and the evidence that a change had when it went live, which is kept for good."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from scripting.models.evidence import ReplayReport
from scripting.models.moments import MomentField
from scripting.models.script import Script
from scripting.texts.escaping import visible

MOST_EVENTS = 100_000
MOST_PLAYS = 1000


@dataclass(frozen=True)
class PlayLimit:
    """Between what the mean of a measure of whole plays must lie."""

    measure: str
    low: float
    high: float
    in_percent: bool

    @property
    def unit(self) -> str:
        return " %" if self.in_percent else ""

    @property
    def range(self) -> str:
        """`45 to 55 %`"""
        return f"{self.low:g} to {self.high:g}{self.unit}"

    def __str__(self) -> str:
        return f"{self.measure} {self.range}"

    def value_of(self, mean: float) -> float:
        """A mean in the limit's own unit."""
        return 100 * mean if self.in_percent else mean

    def admits(self, mean: float) -> bool:
        return self.low <= self.value_of(mean) <= self.high


_LIMIT = re.compile(
    r"(?P<measure>\S.*?)\s+(?P<low>-?\d+(?:\.\d+)?)\s*\.\.\s*(?P<high>-?\d+(?:\.\d+)?)\s*(?P<percent>%?)"
)


def limits_in(text: str) -> list[PlayLimit]:
    """One a line. Raises ValidationError, which says which line and how it is written."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        parts = _LIMIT.fullmatch(line)
        if parts is None or float(parts["low"]) > float(parts["high"]):
            raise ValidationError(f"write a measure and its bounds, such as “ada_wins 45..55 %”, not “{visible(line)[:80]}”")  # fmt: skip
        found.append(PlayLimit(parts["measure"], float(parts["low"]), float(parts["high"]), bool(parts["percent"])))
    return found


def check_play_limits(text: str) -> None:
    """Raises ValidationError."""
    limits_in(text)


class GatePolicy(models.Model):
    """Limits that a change must keep before it goes live: of the whole site, a module or a script. The narrowest counts."""

    class Mode(models.TextChoices):
        FOLLOW = "follow", _("follow the wider policy")
        OFF = "off", _("off")
        ADVISE = "advise", _("advise")
        REQUIRE = "require", _("require")

    class Approval(models.TextChoices):
        NONE = "none", _("nobody's")
        ABOVE = "above", _("somebody else's, above a measured effect")
        ALWAYS = "always", _("somebody else's, always")

    module = models.CharField(max_length=64, blank=True, help_text="Empty: the whole site.")
    name = models.CharField("script", max_length=64, blank=True, help_text="Empty: every script of the module.")
    mode = models.CharField(max_length=16, choices=Mode.choices, default=Mode.ADVISE)
    last = models.PositiveIntegerField(
        "events",
        default=1000,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_EVENTS)],
        help_text="So many of the newest executions are replayed.",
    )
    max_failing = models.PositiveIntegerField("newly failing", default=0, help_text="At most so many.")
    max_refused = models.PositiveIntegerField("newly refused by the game", default=0, help_text="At most so many.")
    max_left = models.PositiveIntegerField(
        "left the recording", null=True, blank=True, default=0, help_text="At most so many; empty: any number."
    )
    max_changed = models.FloatField(
        "changed",
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="At most so many percent of the decisions; empty: all may.",
    )
    max_red = models.PositiveIntegerField("red cases", default=0, help_text="At most so many.")
    play_limits = models.TextField(
        "measures of whole plays",
        blank=True,
        default="",
        db_default="",
        validators=[check_play_limits],
        help_text="One a line: a measure and between what its mean must lie, such as `ada_wins 45..55 %`. Empty: nothing is played.",
    )
    plays = models.PositiveIntegerField(
        "plays",
        default=200,
        db_default=200,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_PLAYS)],
        help_text="So many are played with live and with the change.",
    )
    approval = models.CharField(
        max_length=16,
        choices=Approval.choices,
        default=Approval.NONE,
        db_default=Approval.NONE.value,
        help_text="Whose approval a change takes, whatever replay and cases find.",
    )
    alone = models.FloatField(
        "changed without approval",
        default=0.5,
        db_default=0.5,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="At most so many percent of the decisions, none of them failing, and all cases green: goes live alone.",
    )

    history = HistoricalRecords()

    _history_user: Any
    """Who is said to have made the next save; read by simple-history, like `_change_reason`."""
    _change_reason: str

    class Meta:
        verbose_name = "gate policy"
        verbose_name_plural = "gate policies"
        ordering = ["module", "name"]
        permissions = [("override_gate", _("Can make a version live although the gate is closed"))]
        constraints = [
            models.UniqueConstraint(fields=["module", "name"], name="gate_policy_once"),
            models.CheckConstraint(condition=Q(name="") | ~Q(module=""), name="gate_policy_script_has_module"),
        ]

    def __str__(self) -> str:
        return self.scope

    @property
    def scope(self) -> str:
        """`the whole site`, `module tavern` or `tavern/barkeeper`."""
        if not self.module:
            return "the whole site"
        return f"{self.module}/{self.name}" if self.name else f"module {self.module}"

    @property
    def in_words(self) -> str:
        """`0 newly failing, 0 newly refused, 0 left the recording, 10 % changed and 0 red cases at most, on the last 1 000 decisions`."""
        limits = [f"{grouped(self.max_failing)} newly failing", f"{grouped(self.max_refused)} newly refused"]
        if self.max_left is not None:
            limits.append(f"{grouped(self.max_left)} left the recording")
        if self.max_changed is not None:
            limits.append(f"{self.max_changed:g} % changed")
        words = f"{', '.join(limits)} and {self.max_red} red cases at most, on the last {grouped(self.last)} decisions"
        if self.play_limits:
            words += f"; {', '.join(map(str, self.limits_of_plays))}, in {grouped(self.plays)} plays"
        return words

    @property
    def limits_of_plays(self) -> list[PlayLimit]:
        return limits_in(self.play_limits)

    @property
    def approval_in_words(self) -> str:
        """Whose approval it takes; empty for nobody's."""
        match self.approval:
            case self.Approval.ALWAYS:
                return "somebody else approves every change"
            case self.Approval.ABOVE:
                return f"somebody else approves what changes more than {self.alone:g} % of the last {grouped(self.last)} decisions"  # fmt: skip
        return ""


class Evidence(models.Model):
    """Findings of replay and cases on one change: exactly these texts against exactly what was live. Never changed, never deleted."""

    script = models.ForeignKey(Script, on_delete=models.PROTECT, related_name="evidence")
    rests_on = models.CharField(max_length=64, help_text="sha256 of candidate, live bundle, cases and limits.")
    candidate = models.CharField(max_length=64, help_text="Digest of the bundle that was tried.")
    live = models.CharField(max_length=64, blank=True, help_text="Digest of the bundle that was live; empty for none.")
    title = models.CharField(max_length=200, help_text="The candidate in words.")
    asked = models.PositiveIntegerField(help_text="Executions that were asked for.")
    complete = models.BooleanField(help_text="Whether there was time for all of them.")
    events = models.PositiveIntegerField(default=0)
    same = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    failing = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    fixed = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField(default=0)
    not_replayable = models.PositiveIntegerField(default=0)
    cases = models.PositiveIntegerField(default=0)
    red = models.JSONField(default=list, help_text="Names of the cases that do not hold.")
    report = models.ForeignKey(ReplayReport, null=True, on_delete=models.SET_NULL, related_name="+")
    played = models.JSONField(
        null=True, help_text="Of whole plays, where the policy asked for them: how many, and the means with the change."
    )
    user = models.CharField(max_length=150, blank=True)
    created_at = MomentField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "evidence"
        indexes = [models.Index(fields=["rests_on", "-id"], name="evidence_latest")]

    def __str__(self) -> str:
        return f"{self.script}, {self.title}: {self.in_words}"

    @property
    def decided(self) -> int:
        """Events that both sides decided."""
        return self.events - self.not_replayable

    @property
    def altered(self) -> int:
        """Events that are decided differently, and not worse."""
        return self.changed + self.fixed

    @property
    def in_words(self) -> str:
        """`1 000 decisions, 37 changed, 0 failing`, and what else there is to say."""
        parts = ["no decisions to replay"]
        if self.events:
            parts = [f"{grouped(self.decided)} decisions", f"{grouped(self.altered)} changed", f"{grouped(self.failing)} failing"]  # fmt: skip
        for number, words in (
            (self.refused, "refused"),
            (self.left, "left the recording"),
            (self.not_replayable, "not replayable"),
        ):
            if number:
                parts.append(f"{grouped(number)} {words}")
        if self.cases:
            parts.append(f"{len(self.red)} of {self.cases} cases red")
        if self.played:
            parts.append(self.played["words"])
        return ", ".join(parts)


def grouped(number: int) -> str:
    """`10 000`: groups of three with a no-break space."""
    return f"{number:,}".replace(",", "\N{NO-BREAK SPACE}")
