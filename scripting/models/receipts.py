"""Receipts of executions in hash chains, the daily roots over them, and decisions that are shared outside."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import models

from scripting.models.ids import uuid7
from scripting.models.moments import MomentField

UNSEALED = date(1, 1, 1)
"""Stands for the day of the root as long as a link has no receipts: the release before, which knows no such links, takes none into a root."""


class ReceiptLink(models.Model):
    """The executions of one commit, chained to those that the same process wrote before. A chain has one module.

    The commit leaves the digest of each row; the receipts are made of the rows once, later, and the link is sealed. Links of the first
    releases have their receipts from the commit on, and are never sealed.
    """

    module = models.CharField(max_length=64)
    chain = models.UUIDField(help_text="One for each start of a process, module and connection.")
    number = models.PositiveIntegerField(help_text="From 1 in its chain, without a gap.")
    previous = models.BinaryField(help_text="Digest of the link before; 32 zeros for the first.")
    digest = models.BinaryField()
    salt = models.BinaryField(help_text="Secret: with it, what a shared receipt withholds could be guessed.")
    digests = models.BinaryField(
        null=True,
        help_text="Id and digest of each row, until the link is sealed; then of those rows alone that were not as committed.",
    )
    rows_digest = models.BinaryField(null=True, help_text="sha256 of the digests as they were committed.")
    receipts = models.BinaryField(
        help_text="Receipts of equal length, one after the other; none before the link is sealed."
    )
    seal = models.BinaryField(null=True, help_text="Once sealed: sha256 over digest, receipts and the digests left.")
    first = models.UUIDField(help_text="Smallest id of its executions.")
    last = models.UUIDField(help_text="Largest id of its executions.")
    made_at = models.DateTimeField()
    root_day = models.DateField(
        null=True,
        help_text="The day whose root holds it; empty until that is published, 0001-01-01 until it is sealed.",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "number"], name="receipt_link_number_unique")]
        indexes = [
            models.Index(fields=["-first"], name="receipt_link_of_execution"),
            models.Index(fields=["root_day", "module", "made_at"], name="receipt_link_of_root"),
        ]

    def __str__(self) -> str:
        return f"link {self.number} of chain {self.chain}"

    @property
    def is_unsealed(self) -> bool:
        """Whether its receipts are still to be made."""
        return self.digests is not None and self.seal is None

    @property
    def rooted(self) -> date | None:
        """The day whose root holds it."""
        return None if self.root_day == UNSEALED else self.root_day


class ReceiptRoot(models.Model):
    """The root of one module and day, fixed once it is published: later receipts go to the next day's."""

    module = models.CharField(max_length=64)
    day = models.DateField()
    receipts = models.PositiveBigIntegerField(help_text="How many receipts it holds.")
    links = models.PositiveIntegerField()
    activations_upto = models.BigIntegerField(
        default=0, help_text="Id of the newest activation that it or a root before it holds."
    )
    activations = models.PositiveIntegerField(default=0, help_text="How many activations it holds.")
    tree = models.BinaryField(help_text="Top of the tree over receipts and activations.")
    previous = models.BinaryField(help_text="Digest of the module's root before; 32 zeros for the first.")
    digest = models.BinaryField(help_text="The root: over module, day, counts, tree and previous.")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["-day", "module"]
        constraints = [models.UniqueConstraint(fields=["module", "day"], name="receipt_root_unique")]

    def __str__(self) -> str:
        return f"root of {self.module} on {self.day.isoformat()}"


class SharedDecision(models.Model):
    """A decision that whoever has the link may read without a login, until it expires or is revoked."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    execution = models.UUIDField(db_index=True, help_text="No foreign key: it may be deleted by its age.")
    token_digest = models.CharField(
        max_length=64, unique=True, editable=False, help_text="sha256 of the link's secret."
    )
    reason = models.CharField(max_length=500)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    created_at = MomentField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, editable=False)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    page: models.JSONField[Any, Any] = models.JSONField(default=dict, editable=False, help_text="What the page shows.")
    is_complete = models.BooleanField(
        default=False, db_default=False, editable=False, help_text="The bundle has its root."
    )
    bundle = models.TextField(editable=False, help_text="What the verifier checks, as JSON.")

    class Meta:
        ordering = ["-id"]
        permissions = [("share_execution", "Can share decisions by a link that needs no login")]

    def __str__(self) -> str:
        return f"share of {self.execution}"

    def state(self, now: datetime) -> str:
        """`open`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at <= now else "open"
