"""Schedules: what is published or run at which times, and what became of each due time."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from scripting.models.moments import MomentField
from scripting.models.script import Script


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def due(self, now: Any) -> ScheduleQuerySet:
        """Those that are not paused and have a due time by now."""
        return self.filter(enabled=True, next_due__lte=now).order_by("next_due", "pk")


class Schedule(models.Model):
    """Times, by a cron expression or an interval, at which an event is published or a script is run."""

    class Missed(models.TextChoices):
        ONCE = "once", "run once for all that were missed"
        ALL = "all", "run the last ones that were missed, up to a number"
        SKIP = "skip", "leave out what was missed"

    class Overlap(models.TextChoices):
        SKIP = "skip", "leave out a time while the run before is not done"
        QUEUE = "queue", "wait for the run before, then run"

    name = models.CharField(max_length=140, unique=True)
    cron = models.CharField(
        "cron expression",
        max_length=100,
        blank=True,
        help_text="Minute, hour, day of the month, month, day of the week: 0 9 * * 1-5. Empty: an interval.",
    )
    seconds = models.PositiveIntegerField(
        "interval", default=0, help_text="Seconds from one time to the next; 0: a cron expression."
    )
    zone = models.CharField("time zone", max_length=64, default="UTC", help_text="Whose clocks: Europe/Berlin, or UTC.")
    topic = models.CharField(max_length=128, blank=True, help_text="The event to publish; empty: a script is run.")
    script = models.ForeignKey(
        Script,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="schedules",
        help_text="The script to run; empty: an event is published.",
    )
    payload = models.JSONField(default=dict, blank=True, help_text="What the event carries, or the script gets.")
    key = models.CharField(
        max_length=128, blank=True, help_text="Ordering key of its events; empty: one of the schedule's own."
    )
    missed = models.CharField(max_length=8, choices=Missed.choices, default=Missed.ONCE)
    most = models.PositiveIntegerField(
        default=10, help_text="How many missed times run at the most, where all are to run."
    )
    overlap = models.CharField(max_length=8, choices=Overlap.choices, default=Overlap.SKIP)
    enabled = models.BooleanField(default=True, help_text="A schedule that is paused is due at no time.")
    default_digest = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="Of what its module's code says of it; empty: made by people.",
    )
    begins_at = models.DateTimeField(editable=False, help_text="Intervals count from here; nothing before it is due.")
    settled_until = models.DateTimeField(editable=False, help_text="Every due time up to here is settled.")
    next_due = models.DateTimeField(null=True, editable=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = MomentField(auto_now_add=True)

    history = HistoricalRecords(excluded_fields=["settled_until", "next_due", "default_digest"])
    objects = ScheduleQuerySet.as_manager()

    _history_user: Any
    _change_reason: str

    class Meta:
        ordering = ["name"]
        indexes = [models.Index(fields=["next_due"], condition=Q(enabled=True), name="schedule_due")]
        constraints = [
            models.CheckConstraint(
                condition=Q(cron="", seconds__gt=0) | (~Q(cron="") & Q(seconds=0)), name="schedule_has_times"
            ),
            models.CheckConstraint(
                condition=Q(topic="", script__isnull=False) | (~Q(topic="") & Q(script__isnull=True)),
                name="schedule_has_aim",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def aim(self) -> str:
        """The event or the script, in a word."""
        return self.topic or str(self.script)

    @property
    def times(self) -> str:
        """When, as it was written."""
        return self.cron or f"every {self.seconds} s"


class ScheduleRun(models.Model):
    """The outcome of a due time. A schedule has each once, which is why none runs twice."""

    class State(models.TextChoices):
        PUBLISHED = "published"
        MISSED = "missed"
        OVERLAPPED = "overlapped"
        REFUSED = "refused"

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="runs")
    due_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State.choices)
    event_id = models.CharField(max_length=64, blank=True)
    subscribers = models.PositiveIntegerField(default=0, help_text="Scripts that run on its event.")
    left_out = models.PositiveIntegerField(default=0, help_text="Due times before it that were missed and do not run.")
    by_hand = models.BooleanField(default=False)
    note = models.TextField(blank=True)
    created_at = MomentField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["schedule", "due_at"], name="schedule_due_once")]
        indexes = [models.Index(fields=["schedule", "-id"], name="schedule_runs_latest")]

    def __str__(self) -> str:
        return f"{self.schedule} at {self.due_at:%Y-%m-%d %H:%M:%S}Z"
