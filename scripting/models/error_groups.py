"""Error groups: failures that are the same problem, how often they came, and what people said of them."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.db import models

from scripting.models.moments import MomentField
from scripting.models.script import Script, ScriptVersion


class ErrorFields(models.Model):
    """Fields that make failures one group: script, version, type and place."""

    fingerprint = models.CharField(max_length=64)
    script = models.ForeignKey(Script, on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey(ScriptVersion, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    error_type = models.CharField(max_length=32, help_text="An error type, or `abandoned`.")
    error_script = models.CharField(max_length=140, blank=True, help_text="Where the line is: the script or a helper.")
    error_line = models.IntegerField(null=True)
    message = models.TextField(blank=True, help_text="Of the latest.")
    count = models.BigIntegerField(default=0)
    events = models.BigIntegerField(default=0, help_text="Events among them; an event fails once on a script.")
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    last_execution = models.UUIDField()

    class Meta:
        abstract = True


class ErrorDelta(ErrorFields):
    """Counts of one commit; folded into ErrorGroup by one process, so that failing workers never wait for each other."""

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"+{self.count} {self.error_type} of {self.script_id}"


class ErrorGroup(ErrorFields):
    """One problem of one version."""

    class Meta:
        verbose_name = "error"
        ordering = ["-last_seen"]
        permissions = [("resolve_errorgroup", "Can mark errors as resolved")]
        constraints = [models.UniqueConstraint(fields=["fingerprint"], name="error_group_unique")]
        indexes = [
            models.Index(fields=["-last_seen"], name="error_group_latest"),
            models.Index(fields=["script", "-last_seen"], name="error_group_of_script"),
        ]

    def __str__(self) -> str:
        where = f" at line {self.error_line}" if self.error_line else ""
        kind = "error" if self.error_type == "execution" else self.error_type.replace("_", " ")
        return f"{kind}{where}"


class ErrorTotal(models.Model):
    """Failures of groups that are no longer kept, so that sums of all time never fall."""

    script = models.ForeignKey(Script, on_delete=models.PROTECT, related_name="+", db_index=False)
    error_type = models.CharField(max_length=32)
    count = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["script", "error_type"], name="error_total_unique")]

    def __str__(self) -> str:
        return f"{self.count} {self.error_type} of {self.script_id}"


class ErrorCount(models.Model):
    """How often a group came in the hour that begins at `start`."""

    group = models.ForeignKey(ErrorGroup, on_delete=models.CASCADE, related_name="counts", db_index=False)
    start = models.DateTimeField()
    count = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["start"]
        constraints = [models.UniqueConstraint(fields=["group", "start"], name="error_count_unique")]

    def __str__(self) -> str:
        return f"{self.group_id} {self.start:%F %R}: {self.count}"


class Resolution(models.Model):
    """Someone's word on a group, never changed: the latest one counts. A failure after it means that it came back."""

    group = models.ForeignKey(ErrorGroup, on_delete=models.CASCADE, related_name="resolutions")
    resolved = models.BooleanField(help_text="False: opened again.")
    note = models.TextField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = MomentField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{'resolved' if self.resolved else 'reopened'}: {self.note}"


def fingerprint(script: int, version: int | None, error_type: str, error_script: str, line: int | None) -> str:
    """The group that a failure belongs to."""
    return hashlib.sha256(f"{script}\0{version}\0{error_type}\0{error_script}\0{line}".encode()).hexdigest()
