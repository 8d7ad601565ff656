"""Which scripts run on a topic: numbered sets, which one is active and why, and scripts that join once they are published."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from scripting.models.moments import MomentField
from scripting.models.script import Script


class SubscriptionSet(models.Model):
    """The scripts that run on a topic, in their order: immutable, numbered from 1 per topic."""

    topic = models.CharField(max_length=128)
    number = models.PositiveIntegerField()
    content = models.TextField(help_text="A list of subscribers as JSON, in the order in which they run.")
    sha256 = models.CharField(max_length=64)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = MomentField(auto_now_add=True)

    class Meta:
        ordering = ["topic", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["topic", "number"], name="subscription_set_number_unique"),
            models.UniqueConstraint(fields=["topic", "sha256"], name="subscription_set_content_unique"),
            models.CheckConstraint(condition=Q(number__gte=1), name="subscription_set_number_positive"),
        ]

    def __str__(self) -> str:
        return f"subscriptions {self.number} of {self.topic}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise ValidationError("a stored set of subscriptions never changes: make a new one")
        super().save(*args, **kwargs)

    @property
    def entries(self) -> list[dict[str, Any]]:
        return list(json.loads(self.content))


class SubscriptionActivation(models.Model):
    """That a set became the one by which a topic's events find their scripts: the last one of a topic wins."""

    topic = models.CharField(max_length=128)
    chosen = models.ForeignKey(
        SubscriptionSet,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="activations",
        help_text="Empty: as the modules' code says.",
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.TextField()
    created_at = MomentField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["topic", "-id"], name="subscriptions_of_topic")]

    def __str__(self) -> str:
        return str(self.chosen or f"{self.topic}: as the code says")


class PlannedSubscription(models.Model):
    """That a new script joins a topic with its first published version: before, it has nothing to run."""

    script = models.OneToOneField(Script, on_delete=models.CASCADE, related_name="planned_subscription")
    topic = models.CharField(max_length=128)
    created_at = MomentField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.script} joins {self.topic}"
