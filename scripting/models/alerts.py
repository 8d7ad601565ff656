"""Alerts: rules on what must not go unseen, who is told by which way, what is wrong now, and each message with what became of it."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from scripting.models.moments import MomentField


def new_secret() -> str:
    """A key for signatures, as standardwebhooks.com writes one."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


class AlertReceiver(models.Model):
    """Where messages go."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", "webhook"
        SLACK = "slack", "Slack"
        DISCORD = "discord", "Discord"
        MAIL = "mail", "e-mail"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.WEBHOOK)
    address = models.CharField(max_length=1000, help_text="A URL; of e-mail, addresses with commas between.")
    secret = models.CharField(max_length=200, blank=True, default=new_secret, help_text="Signs what a webhook gets.")
    enabled = models.BooleanField(
        default=True, help_text="What waits for a receiver that is not enabled goes on waiting."
    )
    quiet_from = models.TimeField(null=True, blank=True, help_text="From this time of the day messages wait.")
    quiet_until = models.TimeField(null=True, blank=True, help_text="Until this time.")
    zone = models.CharField(max_length=64, default="UTC", help_text="Time zone of both, such as Europe/Berlin.")

    history = HistoricalRecords(excluded_fields=["secret"])
    _history_user: Any
    _change_reason: str

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def quiet_end(self, now: datetime) -> datetime | None:
        """When the quiet hours that it is in end; None outside of them."""
        if self.quiet_from is None or self.quiet_until is None or self.quiet_from == self.quiet_until:
            return None
        here = now.astimezone(ZoneInfo(self.zone))
        time, over_night = here.time(), self.quiet_from > self.quiet_until
        after, before = time >= self.quiet_from, time < self.quiet_until
        if not (after or before if over_night else after and before):
            return None
        day = here.date() + timedelta(days=1) if over_night and after else here.date()
        return datetime.combine(day, self.quiet_until, here.tzinfo)


class AlertRule(models.Model):
    """A rule: the cause to be told, and the receivers."""

    class Kind(models.TextChoices):
        FAILURES = "failures", "failure rate of a script (percent)"
        BREAKER = "breaker", "a breaker is open"
        FILE = "file", "a file is rejected or held"
        EVENT_AGE = "event_age", "an event waits (seconds)"
        BACKLOG = "backlog", "events are soon refused (percent of what may wait)"
        DEAD_LETTERS = "dead_letters", "dead letters (number)"
        WORKERS = "workers", "workers are missing (fewer than so many live)"
        REPLAY = "replay", "a replay found changed decisions (percent)"
        CLOCK = "clock", "a host's clock is wrong (seconds), or no history is deleted for a clock's sake"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    module = models.CharField(max_length=64, blank=True, help_text="Empty: every module.")
    script = models.CharField(max_length=64, blank=True, help_text="Empty: every script.")
    limit = models.FloatField(
        default=1,
        validators=[MinValueValidator(0), MaxValueValidator(1_000_000_000)],
        help_text="Told above it (of workers: below it); without meaning for breakers and files.",
    )
    minutes = models.PositiveIntegerField(
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(1440)],
        help_text="Of failures and replays: how far it looks back.",
    )
    least_runs = models.PositiveIntegerField(default=20, help_text="Of failures: with fewer runs nothing is told.")
    receivers = models.ManyToManyField(AlertReceiver, blank=True, related_name="rules")
    enabled = models.BooleanField(default=True)

    history = HistoricalRecords()
    _history_user: Any
    _change_reason: str

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def covers(self, module: str, script: str) -> bool:
        return self.module in ("", module) and self.script in ("", script)


class Alert(models.Model):
    """One cause of one rule, from when it was first seen until it is over."""

    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="alerts")
    cause = models.CharField(max_length=200, help_text="What it is about; there is one alert of a cause at a time.")
    words = models.CharField(max_length=500)
    begun_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When it was last seen.")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "cause"], condition=Q(ended_at=None), name="alert_once_at_a_time")
        ]
        indexes = [models.Index(fields=["ended_at"], name="alert_ended")]

    def __str__(self) -> str:
        return f"{self.rule}: {self.cause}"


class AlertMessage(models.Model):
    """One message to one receiver: kept until it is delivered, or given up at the end of its retention."""

    class About(models.TextChoices):
        BEGUN = "begun"
        ENDED = "ended"
        TEST = "test"

    class State(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        GIVEN_UP = "given_up", "given up"

    receiver = models.ForeignKey(AlertReceiver, on_delete=models.CASCADE, related_name="messages")
    alert = models.ForeignKey(Alert, null=True, on_delete=models.CASCADE, related_name="messages")
    about = models.CharField(max_length=8, choices=About.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True, help_text="When a process took it to send it.")
    answer = models.CharField(max_length=300, blank=True, help_text="What came of the last attempt.")
    created_at = MomentField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="alert_message_due"),
            models.Index(fields=["created_at"], name="alert_message_age"),
        ]

    def __str__(self) -> str:
        return f"{self.about} to {self.receiver}"
