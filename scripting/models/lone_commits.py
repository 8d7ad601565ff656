"""The commit of one request: what it adds to the figures and its link of receipts, in one row until both are filed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from scripting.models.receipts import UNSEALED
from scripting.models.script import Script, ScriptVersion

LINK = ("module", "chain", "number", "previous", "digest", "salt", "digests", "rows_digest", "made_at")
"""Columns that it has as the ReceiptLink will."""
LINK_CONSTANTS = {"receipts": b"", "seal": None, "root_day": UNSEALED}
"""Columns of the ReceiptLink, and what they are until it is sealed."""


class RowNumber(models.BigAutoField):  # type: ignore[type-arg] # not to be had when it runs
    """A key that the database gives, and on SQLite may give again once all rows are gone: to remember the last one it would write one page more."""

    def db_type_suffix(self, connection: BaseDatabaseWrapper) -> str | None:
        return None if connection.vendor == "sqlite" else super().db_type_suffix(connection)


class LoneCommit(models.Model):
    """A StatDelta and a ReceiptLink together, with no index to keep. Whoever folds the figures files the link with the others.

    Its chains have none but such links, so that those that are filed are always the beginning of a chain. Of the delta it has what the others of
    its columns follow from: it counts one execution, which no event has waited for. The execution's row, of the same commit, answers for both keys.
    """

    id = RowNumber(primary_key=True)
    script = models.ForeignKey(Script, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    version = models.ForeignKey(
        ScriptVersion, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    start = models.DateTimeField(help_text="The minute that begins here.")
    outcome = models.CharField(max_length=16, help_text="The status of the execution.")
    wall_us = models.BigIntegerField()
    cpu_us = models.BigIntegerField()
    module = models.CharField(max_length=64)
    chain = models.UUIDField()
    number = models.PositiveIntegerField()
    previous = models.BinaryField()
    digest = models.BinaryField()
    salt = models.BinaryField()
    digests = models.BinaryField()
    rows_digest = models.BinaryField()
    execution = models.UUIDField(help_text="No foreign key: nothing is looked up to write it.")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"link {self.number} of chain {self.chain}, to be filed"


def link_of(columns: Sequence[Any], execution: UUID) -> dict[str, Any]:
    """The columns of the ReceiptLink that a commit's columns LINK become when it is filed."""
    return dict(zip(LINK, columns, strict=True)) | {"first": execution, "last": execution} | LINK_CONSTANTS
