"""Comparisons of whole plays: a unit of a module's play, simulated many times with the live scripts and with a candidate."""

from __future__ import annotations

from django.db import models

from scripting.models.evidence import ReplayJob
from scripting.models.ids import uuid7
from scripting.models.moments import MomentField
from scripting.models.script import Script

State = ReplayJob.State


class PlayComparison(models.Model):
    """One comparison, its report, and the work on it while an evidence worker plays. It keeps all texts, so that a play can be shown."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    script = models.ForeignKey(Script, on_delete=models.CASCADE, related_name="play_comparisons")
    rests_on = models.CharField(max_length=64, help_text="sha256 over the bundles of both sides.")
    seed = models.BigIntegerField(help_text="Of the first play; each next one has the next.")
    asked = models.PositiveIntegerField(help_text="Plays with each side that were asked for.")
    stops_early = models.BooleanField(help_text="Whether it ends as soon as a measure differs beyond doubt.")
    title = models.CharField(max_length=200, help_text="The candidate in words, such as `draft of ada` or `v3`.")
    user = models.CharField(max_length=150, blank=True)
    bundles = models.BinaryField(help_text="Both sides: all that each script of the module is compiled from.")
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    played = models.PositiveIntegerField(default=0, help_text="Plays with each side so far.")
    reason = models.CharField(max_length=300, blank=True, help_text="Why it failed.")
    sentence = models.CharField(max_length=200)
    document = models.JSONField(default=dict, help_text="As `simulate --json` prints it, and more.")
    created_at = MomentField(auto_now_add=True)
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["script", "rests_on", "seed", "asked", "stops_early"], name="play_comparison_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["state"], condition=models.Q(state__in=["queued", "running"]), name="play_comparison_unfinished"
            )
        ]

    def __str__(self) -> str:
        return f"plays of {self.script} by {self.title}"

    @property
    def is_unfinished(self) -> bool:
        return self.state in ReplayJob.UNFINISHED

    @property
    def percent(self) -> int:
        return 100 * self.played // self.asked if self.asked else 100
