"""Executions with their attempts: which version ran, on what, with what outcome; and the events that runs published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import models
from django.db.models import F, Func, Q

from scripting.models.ids import uuid7
from scripting.models.moments import MomentField
from scripting.models.script import Script, ScriptVersion
from scripting.sandbox.protocol import ErrorType, decode_value, encode_value


class Role(models.TextChoices):
    """The part that an attempt played."""

    PRIMARY = "primary"
    RETRY = "retry"
    FALLBACK = "fallback"
    BUILT_IN = "built_in"


UNUSUAL_STATUS = ~Q(status="succeeded")
UNUSUAL_TRIGGER = ~Q(trigger="event")
ERROR_LINE = Func(F("error_line"), template="COALESCE(%(expressions)s, 0)", output_field=models.IntegerField())
"""0 for none: behind IS NULL, PostgreSQL does not see that an index is in the order of ids."""
ERROR_VERSION = Func(F("error_version"), template="COALESCE(%(expressions)s, 0)", output_field=models.BigIntegerField())
"""An expression of its own, so that its index is not taken for an error group's executions, which has a better one."""
SLOW_US = (10_000, 100_000, 1_000_000)
"""Wall times that the list offers to filter by."""

WITHHELD = "not tried: "
"""How the message begins of an attempt that did not happen, since its version's breaker was open."""
REFUSED = "the game refused the outcome: "
"""How the message begins of an attempt whose outcome the game did not admit."""
SUPERSEDED = "superseded by event "
"""How the message begins of an execution without a run, since a newer event of its topic and key waited."""
_ONLY_LATEST = ": of those of its topic and key that wait, only the latest has to run"


def superseded_by(event: str) -> str:
    """The message of an execution that did not run, since this event was to."""
    return f"{SUPERSEDED}{event}{_ONLY_LATEST}"


def superseding(status: str, message: str) -> str:
    """The event that such a message names; empty of another status or message."""
    if status != "skipped" or not message.startswith(SUPERSEDED):
        return ""
    return message.removeprefix(SUPERSEDED).removesuffix(_ONLY_LATEST)


class LogLine(NamedTuple):
    """A line that a script wrote, and when: µs from the beginning of the run, None where that was not kept."""

    text: str
    us: int | None = None


def encode_log(lines: Sequence[str], times: Sequence[int]) -> bytes:
    """A log as an execution keeps it: [times, lines]."""
    return encode_value([list(times), list(lines)])


class AttemptFields(models.Model):
    """The record of one attempt; enough to repeat it exactly.

    PostgreSQL has no constraints on scripts and versions here, which would cost a quarter of a commit: triggers of theirs keep a row that one points to.
    """

    version = models.ForeignKey(
        ScriptVersion, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    bundle_digest = models.CharField(max_length=64, blank=True)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.PRIMARY)
    interpreter = models.CharField(max_length=16, blank=True)
    seed = models.BigIntegerField(null=True)
    clock_us = models.BigIntegerField(null=True, help_text="Microseconds since 1970 UTC.")
    host_calls = models.BinaryField(blank=True, default=b"", help_text="Calls of exposed functions with their answers.")
    error_type = models.CharField(max_length=32, blank=True, choices=[(t.value, t.value) for t in ErrorType])
    error_message = models.TextField(blank=True)
    error_script = models.CharField(max_length=140, blank=True)
    error_line = models.IntegerField(null=True)
    error_column = models.IntegerField(null=True)
    compile_us = models.BigIntegerField(default=0)
    wall_us = models.BigIntegerField(default=0)
    cpu_us = models.BigIntegerField(default=0)
    memory_bytes = models.BigIntegerField(
        default=0, help_text="Peak above the idle sandbox, as the sandbox reports it."
    )
    host_us = models.BigIntegerField(default=0)
    log = models.BinaryField(blank=True, default=b"")
    log_truncated = models.BooleanField(default=False)

    class Meta:
        abstract = True

    @property
    def log_lines(self) -> list[LogLine]:
        found = decode_value(bytes(self.log)) if self.log else []
        if found and isinstance(found[0], list):
            return [LogLine(text, us) for us, text in zip(*found, strict=True)]
        return [LogLine(text) for text in found]  # of a release that kept no times

    @property
    def withheld(self) -> bool:
        """Whether an open breaker kept it from being tried, so that no script is to blame; of an execution: the first attempt."""
        return (
            self.error_type == ErrorType.EXECUTION and self.error_message.startswith(WITHHELD) and not self.error_line
        )

    @property
    def refused(self) -> bool:
        """Whether the script decided, and the game did not admit what it decided."""
        return self.error_type == ErrorType.EXECUTION and self.error_message.startswith(REFUSED) and not self.error_line


class Execution(AttemptFields):
    """One event, request or click on one script. Its own attempt fields are those of the attempt that decided, but what it took is what all took,
    and its error is that of the first.
    """

    class Trigger(models.TextChoices):
        EVENT = "event"
        ENDPOINT = "endpoint"
        MANUAL = "manual"
        REPLAY = "replay"

    class Status(models.TextChoices):
        SUCCEEDED = "succeeded"
        FELL_BACK = "fell_back"
        FAILED = "failed"
        CANCELLED = "cancelled"
        SKIPPED = "skipped"
        ABANDONED = "abandoned"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    script = models.ForeignKey(
        Script, on_delete=models.PROTECT, related_name="executions", db_index=False, db_constraint=False
    )
    trigger = models.CharField(max_length=16, choices=Trigger.choices)
    event_id = models.CharField(max_length=64, null=True)  # noqa: DJ001 - NULL: no event, outside the constraint
    topic = models.CharField(max_length=128, blank=True)
    key = models.CharField(max_length=128, blank=True, help_text="Ordering key: one run per key at a time.")
    depth = models.PositiveSmallIntegerField(default=0)
    cause = models.UUIDField(null=True, help_text="The execution whose outcome published the event.")
    status = models.CharField(max_length=16, choices=Status.choices)
    error_version = models.ForeignKey(
        ScriptVersion,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
        help_text="Whose attempt failed first; another may have decided in its place.",
    )
    inputs = models.BinaryField(blank=True, default=b"")
    inputs_text = models.TextField(blank=True)
    result = models.BinaryField(null=True)
    result_text = models.TextField(blank=True)
    queued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    worker = models.CharField(max_length=128, blank=True)
    user = models.CharField(max_length=150, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    deliveries = models.PositiveSmallIntegerField(default=1)
    trace_id = models.CharField(max_length=32, blank=True, default="", db_default="")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["event_id", "script"], condition=Q(event_id__isnull=False), name="execution_once_per_event"
            )
        ]
        permissions = [
            ("export_execution", "Can export executions"),
            ("cancel_execution", "Can stop running executions"),
        ]
        # Each serves one filter of the list, newest first. Those of what is rare leave out what is common, which the
        # primary key finds at once; a query names the same condition, or SQLite would not use them.
        # Those that nearly all are in have the newest last, and are read from there: at the front of full pages SQLite
        # would make room with each insert, in three pages and what is above them.
        indexes = [
            models.Index(fields=["script", "id"], name="execution_of_script"),
            models.Index(fields=["version", "id"], name="execution_of_one_version"),
            models.Index(
                ERROR_VERSION,
                F("id").desc(),
                condition=Q(error_version__isnull=False),
                name="execution_version_failed",
            ),
            # Requests have neither: a commit of one alone writes two pages less.
            models.Index(fields=["topic", "id"], condition=Q(topic__gt=""), name="execution_of_one_topic"),
            models.Index(fields=["worker", "id"], condition=Q(worker__gt=""), name="execution_of_one_worker"),
            models.Index(fields=["status", "-id"], condition=UNUSUAL_STATUS, name="execution_unusual_status"),
            models.Index(fields=["trigger", "id"], condition=UNUSUAL_TRIGGER, name="execution_of_trigger"),
            models.Index(fields=["error_type", "-id"], condition=Q(error_type__gt=""), name="execution_of_error_type"),
            models.Index(
                F("error_version"),
                F("error_type"),
                ERROR_LINE,
                F("error_script"),
                F("id").desc(),
                condition=Q(error_version__isnull=False),
                name="execution_of_error_group",
            ),
            models.Index(fields=["user", "-id"], condition=Q(user__gt=""), name="execution_of_user"),
            models.Index(fields=["request_id"], condition=Q(request_id__gt=""), name="execution_of_request"),
            models.Index(fields=["trace_id"], condition=Q(trace_id__gt=""), name="execution_of_trace"),
            models.Index(fields=["cause"], condition=Q(cause__isnull=False), name="execution_of_cause"),
            *(
                models.Index(fields=["-id"], condition=Q(wall_us__gte=us), name=f"execution_over_{us}_us")
                for us in SLOW_US
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"

    @property
    def superseded_by(self) -> str:
        """The event that ran, or was to run, in place of its own; empty where it was not superseded."""
        return superseding(self.status, self.error_message)

    @property
    def result_value(self) -> Any:
        return None if self.result is None else decode_value(bytes(self.result))

    @property
    def inputs_value(self) -> Any:
        return decode_value(bytes(self.inputs)) if self.inputs else {}


class Attempt(AttemptFields):
    """One try of an execution that needed more than one; ordinals count from 1."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="attempts")
    ordinal = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["execution", "ordinal"]
        constraints = [models.UniqueConstraint(fields=["execution", "ordinal"], name="attempt_ordinal_unique")]

    def __str__(self) -> str:
        return f"{self.execution_id} attempt {self.ordinal}"


class OutboxEvent(models.Model):
    """An event that a committed outcome published; gone once Redis has acknowledged it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    topic = models.CharField(max_length=128)
    envelope = models.BinaryField()
    cause = models.UUIDField(null=True)
    created_at = MomentField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.topic} {self.id}"
