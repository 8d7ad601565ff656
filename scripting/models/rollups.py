"""Counts and durations of executions per script, version and span of time: what pages read instead of the executions."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import models
from django.db.models import Q

from scripting.models.script import Script, ScriptVersion

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OUTCOMES = ("succeeded", "fell_back", "failed", "cancelled", "skipped", "abandoned")


class StatFields(models.Model):
    """Executions that ended in one span on one version; `version` is None where the built-in rule decided or nothing ran."""

    script = models.ForeignKey(Script, on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey(ScriptVersion, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    start = models.DateTimeField(help_text="The minute or hour that begins here.")
    succeeded = models.BigIntegerField(default=0)
    fell_back = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    cancelled = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0)
    abandoned = models.BigIntegerField(default=0)
    wall_us = models.BigIntegerField(default=0, help_text="Sum of the wall time of the deciding attempts.")
    cpu_us = models.BigIntegerField(default=0)
    durations = models.BinaryField(default=b"", help_text="Histogram of wall times, see scripting.metrics.histogram.")
    waits = models.BinaryField(
        default=b"", db_default=b"", help_text="Histogram of the times from an event's acceptance until its record."
    )
    waited_us = models.BigIntegerField(default=0, db_default=0, help_text="Sum of these times.")
    superseded = models.BigIntegerField(
        default=0, db_default=0, help_text="Of those skipped: a newer event of the same topic and key was to run."
    )

    class Meta:
        abstract = True


class StatDelta(StatFields):
    """Counts of one commit. Written beside the executions, folded into ExecutionStat by one compactor.

    Shared counters would make every two commits on the same script wait for each other.
    """

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"+{self.script_id} {self.start:%F %R}"


class ExecutionStat(StatFields):
    """The sum for one minute, ten, an hour or a day (UTC) of a script's version, or for all time."""

    class Span(models.TextChoices):
        MINUTE = "minute"
        TEN_MINUTES = "ten"
        HOUR = "hour"
        DAY = "day"
        EVER = "ever"

        def start_of(self, minute: datetime) -> datetime:
            """Where the span that a minute lies in begins."""
            match self:
                case ExecutionStat.Span.MINUTE:
                    return minute
                case ExecutionStat.Span.TEN_MINUTES:
                    return minute.replace(minute=minute.minute // 10 * 10)
                case ExecutionStat.Span.HOUR:
                    return minute.replace(minute=0)
                case ExecutionStat.Span.DAY:
                    return minute.replace(hour=0, minute=0)
            return EPOCH

    span = models.CharField(max_length=8, choices=Span.choices)

    class Meta:
        ordering = ["-start"]
        constraints = [
            models.UniqueConstraint(
                fields=["span", "start", "script", "version"],
                condition=Q(version__isnull=False),
                name="stat_of_version_unique",
            ),
            models.UniqueConstraint(
                fields=["span", "start", "script"], condition=Q(version=None), name="stat_without_version_unique"
            ),
        ]
        indexes = [
            models.Index(fields=["script", "span", "start"], name="stat_of_script_over_time"),
            models.Index(fields=["span", "start"], name="stat_over_time"),
        ]

    def __str__(self) -> str:
        return f"{self.script_id} {self.span} {self.start:%F %R}"
