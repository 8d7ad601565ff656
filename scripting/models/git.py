"""The followed branch of a repository: which commit is live here, what waits and why, and each of its files beside what is live."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class GitBranch(models.Model):
    """The branch of one repository; another address, branch or folder is another row, and begins anew."""

    source = models.CharField(max_length=1500, unique=True, help_text="Address, branch and folder.")
    head = models.CharField(max_length=64, blank=True, help_text="The newest commit that was fetched.")
    subject = models.CharField(max_length=300, blank=True, help_text="Its first line.")
    live = models.CharField(max_length=64, blank=True, help_text="The commit that is live here.")
    live_at = models.DateTimeField(null=True)
    waits = models.TextField(blank=True, help_text="Why the newest commit is not live; empty where it is.")
    review = models.ForeignKey("Review", null=True, on_delete=models.SET_NULL, related_name="+")
    asked_for = models.CharField(max_length=64, blank=True, help_text="The commit that the review was asked for.")
    problem = models.TextField(blank=True, help_text="Why the repository could not be reached or used.")
    looked_at = models.DateTimeField(null=True, help_text="When it was last reached.")
    pushed = models.CharField(max_length=64, blank=True, help_text="The last commit that was pushed.")
    pushed_at = models.DateTimeField(null=True)
    push_problem = models.TextField(blank=True, help_text="Why what was published here is not pushed.")

    def __str__(self) -> str:
        return self.source


class GitFile(models.Model):
    """One file of the branch, and what both sides last were."""

    class Kind(models.TextChoices):
        TEXT = "text"
        CASES = "cases"
        KNOBS = "knobs"

    class State(models.TextChoices):
        SAME = "same"
        THEIRS = "theirs", "changed in the repository"
        OURS = "ours", "changed here"
        DRIFT = "drift", "changed on both sides"
        GONE = "gone", "deleted in the repository"

    class Decision(models.TextChoices):
        TAKE = "take", "take theirs"
        KEEP = "keep", "keep ours"

    branch = models.ForeignKey(GitBranch, on_delete=models.CASCADE, related_name="files")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    label = models.CharField(max_length=200, help_text="module/name, of a case module/script/name.")
    state = models.CharField(max_length=8, choices=State.choices)
    digest = models.CharField(max_length=64, blank=True, help_text="Of what both sides last were; empty for never.")
    number = models.PositiveIntegerField(default=0, help_text="Of a text: the version that this was.")
    commit = models.CharField(max_length=64, blank=True, help_text="The last commit that changed the file.")
    pushed = models.BigIntegerField(default=0, help_text="The last activation that was pushed.")
    theirs = models.TextField(blank=True, help_text="Of drift: the file.")
    ours = models.TextField(blank=True, help_text="Of drift: what is live.")
    theirs_digest = models.CharField(max_length=64, blank=True)
    ours_digest = models.CharField(max_length=64, blank=True)
    decision = models.CharField(max_length=8, blank=True, choices=Decision.choices)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.TextField(blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["label", "kind"]
        constraints = [models.UniqueConstraint(fields=["branch", "kind", "label"], name="git_file_unique")]

    def __str__(self) -> str:
        return f"{self.label} ({self.kind})"
