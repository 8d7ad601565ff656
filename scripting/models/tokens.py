"""Tokens of machines: on whose behalf they ask, and for how much of what that person may do."""

from __future__ import annotations

from datetime import datetime
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from scripting.models.moments import MomentField


class Action(models.TextChoices):
    """The kinds of request that a token may make."""

    READ = "read", _("read scripts, versions, executions and figures")
    CHECK = "check", _("check texts")
    TRY = "try", _("try and replay texts")
    PUBLISH = "publish", _("publish and roll back")
    EVENTS = "events", _("publish events")
    ENDPOINTS = "endpoints", _("run endpoints")


class ApiToken(models.Model):
    """A machine's key to the API. It acts for its user, and takes from what that user may do; it never adds to it."""

    name = models.CharField(max_length=100, help_text="The machine that uses it: `ci of the rules`.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    public_id = models.CharField(max_length=16, unique=True, editable=False, help_text="Its readable part.")
    digest = models.CharField(max_length=64, editable=False, help_text="HMAC-SHA256 of its secret part.")
    actions = models.JSONField(default=list, help_text="Names of actions.")
    scripts = models.JSONField(default=list, help_text="Patterns of module/script, such as tavern/*.")
    networks = models.JSONField(default=list, blank=True, help_text="Networks it may come from; empty: any.")
    per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text="Requests it may make in a minute; empty: what the site allows."
    )
    created_at = MomentField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    history = HistoricalRecords(excluded_fields=["digest", "last_used_at"])
    _history_user: Any
    _change_reason: str

    class Meta:
        verbose_name = "API token"
        ordering = ["-id"]
        permissions = [("publish_event", _("Can publish events from outside"))]

    def __str__(self) -> str:
        return f"{self.name} ({self.public_id})"

    def state(self, now: datetime) -> str:
        """`valid`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at <= now else "valid"

    def allows(self, action: str) -> bool:
        return action in self.actions

    def covers(self, script: str) -> bool:
        """Whether a script (`module/name`) is among those that it is for."""
        return any(fnmatchcase(script, pattern) for pattern in self.scripts)

    def may_come_from(self, address: str) -> bool:
        """Whether a request from this address is taken."""
        if not self.networks:
            return True
        try:
            here = ip_address(address)
        except ValueError:
            return False
        return any(here in ip_network(network) for network in self.networks)
