"""Reviews: what somebody asks to make live, what another person says to it, and whom that is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from scripting.models.moments import MomentField
from scripting.models.script import KnobSet, Script, ScriptVersion


class ReviewQuerySet(models.QuerySet["Review"]):
    def open(self) -> ReviewQuerySet:
        """Those that wait for an answer."""
        return self.filter(state=Review.State.OPEN)

    def waiting_for(self, user: Any) -> ReviewQuerySet:
        """Those that this person may answer: open, and neither asked for nor written by them."""
        return self.open().exclude(asked_by=user).exclude(texts__version__author=user)


class Review(models.Model):
    """A question: may these texts and values go live together? An approval counts for exactly them, over exactly what is live."""

    class State(models.TextChoices):
        OPEN = "open"
        APPROVED = "approved"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"
        LAPSED = "lapsed"
        LIVE = "live"

    reason = models.TextField(help_text="Why it is to go live.")
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPEN)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = MomentField(auto_now_add=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision = models.TextField(blank=True, help_text="Why it was approved, refused, withdrawn, or lapsed.")
    approved_at = models.DateTimeField(null=True, blank=True, help_text="Empty unless it was approved.")

    history = HistoricalRecords()
    objects = ReviewQuerySet.as_manager()

    _history_user: Any
    """Who is said to have made the next save; read by simple-history, like `_change_reason`."""
    _change_reason: str

    class Meta:
        ordering = ["-id"]
        permissions = [("approve_review", _("Can approve what others want to make live"))]
        indexes = [models.Index(fields=["id"], condition=Q(state="open"), name="review_open")]

    def __str__(self) -> str:
        return f"review {self.pk}"

    @staticmethod
    def settle(pks: Iterable[int]) -> None:
        """Close those of these that are live in all their parts."""
        for review in Review.objects.filter(pk__in=pks, state=Review.State.APPROVED):
            if all(text.is_live for text in review.texts.select_related("script")):
                review.state, review._change_reason = Review.State.LIVE, "live"
                review.save()

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN

    @property
    def is_over(self) -> bool:
        return self.state not in (self.State.OPEN, self.State.APPROVED)


class ReviewedText(models.Model):
    """A version, perhaps with values of its knobs, that a review is about."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="texts")
    script = models.ForeignKey(Script, on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey(ScriptVersion, on_delete=models.PROTECT, related_name="+")
    base = models.ForeignKey(
        ScriptVersion,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="What was live when it was asked.",
    )
    knobs = models.ForeignKey(KnobSet, null=True, on_delete=models.PROTECT, related_name="+")
    base_knobs = models.ForeignKey(KnobSet, null=True, on_delete=models.PROTECT, related_name="+")
    of_knobs = models.BooleanField(default=False, help_text="Whether the values are what changes.")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["review", "script"], name="reviewed_text_once")]

    def __str__(self) -> str:
        return self.title

    @property
    def is_live(self) -> bool:
        same = self.script.active_version_id == self.version_id
        return same and (not self.of_knobs or self.script.active_knobs_id == self.knobs_id)

    @property
    def title(self) -> str:
        return f"{self.version}" + (f", {self.knobs or 'its own values'}" if self.of_knobs else "")


class ReviewedChange(models.Model):
    """A script that decides otherwise once it is live: the digests of both bundles, by which the gate finds the approval."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="changes")
    script = models.ForeignKey(Script, on_delete=models.PROTECT, related_name="+")
    live = models.CharField(max_length=64, blank=True, help_text="Digest of the bundle that was live; empty for none.")
    candidate = models.CharField(max_length=64, help_text="Digest of the bundle that is to be.")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["script", "candidate", "live"], name="reviewed_change_found")]

    def __str__(self) -> str:
        return f"{self.script}: {self.live[:12] or 'nothing'} → {self.candidate[:12]}"


class ReviewComment(models.Model):
    """A remark on a review, or on a line of one of its texts; others answer below it until it is resolved."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="comments")
    text = models.ForeignKey(ReviewedText, null=True, blank=True, on_delete=models.CASCADE, related_name="comments")
    line = models.PositiveIntegerField(null=True, blank=True, help_text="Of the text; empty: of no line.")
    answers = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="answered_by")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    body = models.TextField()
    created_at = MomentField(auto_now_add=True)
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"comment {self.pk} on review {self.review_id}"


class ReviewNote(models.Model):
    """That somebody is told of a review: in the head of our pages until they open it, and by e-mail where the site sends it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="notes")
    words = models.CharField(max_length=200)
    created_at = MomentField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["user"], condition=Q(read_at=None), name="review_note_unread"),
            models.Index(fields=["id"], condition=Q(mailed_at=None), name="review_note_unsent"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.words}"
