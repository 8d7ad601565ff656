"""Whether a version failed so often in a row that its script's fallback runs instead."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from scripting.models.script import ScriptVersion


class Breaker(models.Model):
    """The circuit breaker of one version; there is none while the version has never failed. A new version starts without."""

    version = models.OneToOneField(ScriptVersion, on_delete=models.CASCADE, related_name="breaker")
    failures = models.PositiveIntegerField(default=0, help_text="Primary attempts that failed in a row.")
    opened_at = models.DateTimeField(null=True, help_text="Since when the fallback runs; empty while it is closed.")
    last_error = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["opened_at"], condition=Q(opened_at__isnull=False), name="breaker_open")]

    def __str__(self) -> str:
        return f"{self.version}: {'open' if self.opened_at else 'closed'} after {self.failures}"
