"""Values of knobs for a time: when a set goes live, and when what was live before is back."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from scripting.models.moments import MomentField
from scripting.models.script import KnobSet, Script


class KnobScheduleQuerySet(models.QuerySet["KnobSchedule"]):
    def open(self) -> KnobScheduleQuerySet:
        """Those that are not over: they begin, or end, by themselves."""
        return self.filter(state__in=KnobSchedule.OPEN)

    def due(self, now: datetime) -> KnobScheduleQuerySet:
        """Those that are to begin or to end by now."""
        begins = Q(state=KnobSchedule.State.PLANNED, starts_at__lte=now)
        return self.filter(begins | Q(state=KnobSchedule.State.LIVE, ends_at__lte=now))


class KnobSchedule(models.Model):
    """That a set of values is live from a moment until another. It is back by itself then, whichever process lives."""

    class State(models.TextChoices):
        PLANNED = "planned"
        LIVE = "live"
        OVER = "over"
        CANCELLED = "cancelled"
        REFUSED = "refused"

    OPEN = (State.PLANNED, State.LIVE)

    script = models.ForeignKey(Script, on_delete=models.PROTECT, related_name="knob_schedules")
    knobs = models.ForeignKey(KnobSet, on_delete=models.PROTECT, related_name="+")
    before = models.ForeignKey(
        KnobSet,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The set that was live when it began; empty: the defaults.",
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.PLANNED)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.TextField()
    note = models.TextField(blank=True, help_text="Why it did not begin, or what became of its end.")
    created_at = MomentField(auto_now_add=True)

    objects = KnobScheduleQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at", "-id"]
        constraints = [models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="knob_schedule_has_time")]
        indexes = [
            models.Index(fields=["starts_at"], condition=Q(state__in=["planned", "live"]), name="knob_schedule_open")
        ]

    def __str__(self) -> str:
        return f"{self.knobs} for a time"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN
