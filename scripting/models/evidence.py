"""Reports of replays and curves of knobs, kept so that people can come back to them and show them."""

from __future__ import annotations

from django.db import models

from scripting.models.ids import uuid7
from scripting.models.moments import MomentField
from scripting.models.script import Script, ScriptVersion


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
    created_at = MomentField(auto_now_add=True)
    sentence = models.CharField(max_length=200, help_text="Its totals: `changes 37 of 200 decisions, 0 would fail`.")
    document = models.JSONField(help_text="As `replay_script --json` prints it.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["script", "candidate", "live", "corpus"], name="replay_report_once")
        ]

    def __str__(self) -> str:
        return f"replay of {self.script} by {self.title}"


class ReplayJob(models.Model):
    """A replay that an evidence worker makes. What it has found so far is its report's document.

    The report stays when the work is done; what only the work needs (the texts, the ids) goes with its end. A cancelled one has as its
    reason who cancelled it.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        CANCELLED = "cancelled"
        FAILED = "failed"

    UNFINISHED = (State.QUEUED, State.RUNNING)

    report = models.OneToOneField(ReplayReport, on_delete=models.CASCADE, primary_key=True, related_name="job")
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    decided = models.PositiveIntegerField(default=0, help_text="Executions decided so far.")
    total = models.PositiveIntegerField(help_text="Executions of the corpus.")
    chosen = models.CharField(max_length=200, help_text="The corpus in words, such as `the last 1000`.")
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="Why it failed.")
    bundles = models.BinaryField(help_text="Candidate and live: all that they are compiled from, until it is decided.")
    live_version = models.ForeignKey(ScriptVersion, on_delete=models.CASCADE, related_name="+")
    executions = models.BinaryField(help_text="Ids of the corpus, 16 bytes each, until they are decided.")
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["state"], condition=models.Q(state__in=["queued", "running"]), name="replay_job_unfinished"
            )
        ]

    def __str__(self) -> str:
        return f"{self.report}: {self.state}"

    @property
    def is_unfinished(self) -> bool:
        return self.state in self.UNFINISHED

    @property
    def percent(self) -> int:
        return 100 * self.decided // self.total if self.total else 100


class KnobCurve(models.Model):
    """The curve of a knob over the last recorded events: the newest there is while these values and this text are live."""

    script = models.ForeignKey(Script, on_delete=models.CASCADE, related_name="knob_curves")
    knob = models.CharField(max_length=64, blank=True, help_text="Empty: why none could be drawn.")
    live = models.CharField(max_length=64, help_text="Digest of the bundle that was live.")
    document = models.JSONField()
    drawn_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["script", "knob", "live"], name="knob_curve_once")]

    def __str__(self) -> str:
        return f"curve of {self.knob} of {self.script}"


class RepeatCheck(models.Model):
    """When decisions of a script were last made again to see that they come out as recorded, and whether they did."""

    script = models.OneToOneField(Script, on_delete=models.CASCADE, primary_key=True, related_name="repeat_check")
    checked_at = models.DateTimeField()
    events = models.PositiveIntegerField(help_text="Decisions that were made again.")
    not_replayable = models.PositiveIntegerField(help_text="Further ones whose record does not allow it.")
    different = models.PositiveIntegerField(help_text="Those that came out otherwise.")
    what = models.CharField(max_length=300, blank=True, help_text="How many in which class.")
    example_id = models.UUIDField(null=True, help_text="An execution that came out otherwise.")

    def __str__(self) -> str:
        return f"{self.script}: {self.different} of {self.events} came out otherwise"
