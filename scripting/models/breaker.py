"""Whether a version failed so often that its script's fallback runs instead."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models
from django.db.models import Q

from scripting.models.script import ScriptVersion


class Breaker(models.Model):
    """The circuit breaker of one version; there is none while the version has never failed.

    A version that becomes active starts without, the first time or again; so does an active one whose helpers or limits
    changed. Of one that is not active, it tells how it did as a fallback: while it is open, it is none.
    """

    version = models.OneToOneField(ScriptVersion, on_delete=models.CASCADE, related_name="breaker")
    failures = models.PositiveIntegerField(default=0, help_text="Attempts that failed in a row.")
    opened_at = models.DateTimeField(null=True, help_text="Since when the fallback runs; empty while it is closed.")
    window_at = models.DateTimeField(null=True, help_text="When the window of the failure rate began.")
    window_runs = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Attempts in the window; while it is open those for which it opened."
    )
    window_failures = models.PositiveIntegerField(default=0, db_default=0, help_text="Failures among them.")
    last_error = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["opened_at"], condition=Q(opened_at__isnull=False), name="breaker_open")]

    def __str__(self) -> str:
        return f"{self.version}: {'open' if self.opened_at else 'closed'} after {self.failures}"

    @property
    def failed(self) -> str:
        """How it failed, in words."""
        return failed_in_words(self.failures, self.window_failures, self.window_runs)

    @classmethod
    def forgive(cls, versions: Iterable[int]) -> None:
        """Forget how these versions did: what made them fail may be no more."""
        cls.objects.filter(version__in=list(versions)).delete()


def failed_in_words(failures: int, window_failures: int, window_runs: int) -> str:
    """`failed 5 times in a row`, or `failed 10 of 20 times` where the rate opened the breaker; then alone the window has runs."""
    if window_runs:
        return f"failed {window_failures} of {window_runs} times"
    return "failed once" if failures == 1 else f"failed {failures} times in a row"
