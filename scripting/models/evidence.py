"""Reports of replays, kept so that people can come back to them and show them."""

from __future__ import annotations

from django.db import models

from scripting.models.ids import uuid7
from scripting.models.script import Script


class ReplayReport(models.Model):
    """The report of one replay: what a candidate would have decided. It holds for exactly these bundles and executions."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    script = models.ForeignKey(Script, on_delete=models.CASCADE, related_name="replay_reports")
    candidate = models.CharField(max_length=64, help_text="Digest of the bundle that was tried.")
    text = models.CharField(max_length=64, help_text="sha256 of the script's text in it, as versions have it.")
    live = models.CharField(max_length=64, help_text="Digest of the bundle that was live.")
    corpus = models.CharField(max_length=64, help_text="Digest of the executions' ids.")
    title = models.CharField(max_length=200, help_text="The candidate in words, such as `draft of ada` or `v3`.")
    user = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sentence = models.CharField(max_length=200, help_text="Its totals: `changes 37 of 200 decisions, 0 would fail`.")
    document = models.JSONField(help_text="As `replay_script --json` prints it.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["script", "candidate", "live", "corpus"], name="replay_report_once")
        ]

    def __str__(self) -> str:
        return f"replay of {self.script} by {self.title}"
