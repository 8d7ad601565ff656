"""Cases: inputs of a script with what must hold for its outcome, kept so that every later text is tried on them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.db import models
from django.db.models import Q

from scripting import clock
from scripting.models.moments import MomentField
from scripting.models.script import NAME_PATTERN, Script
from scripting.texts import case_text
from scripting.texts.case_text import CaseText


class CaseQuerySet(models.QuerySet["Case"]):
    def kept(self) -> CaseQuerySet:
        """Those that nobody deleted."""
        return self.filter(removed_at=None)

    def contents_digest(self) -> str:
        """sha256 (hex) over the cases' names and documents: another after any of them was added, changed or deleted."""
        hasher = hashlib.sha256()
        for name, digest in self.order_by("name").values_list("name", "digest"):
            hasher.update(f"{name} {digest}\n".encode())
        return hasher.hexdigest()


class Case(models.Model):
    """A case of a script. `document` is its text as `texts.case_text.encode` writes it, the same in the database and in a file."""

    class Origin(models.TextChoices):
        EMBEDDED = "embedded"
        FILE = "file"
        EDITOR = "editor"

    script = models.ForeignKey(Script, on_delete=models.CASCADE, related_name="cases")
    name = models.CharField(max_length=64)
    document = models.TextField()
    digest = models.CharField(max_length=64, editable=False, help_text="sha256 of the document.")
    origin = models.CharField(max_length=16, choices=Origin.choices)
    user = models.CharField(max_length=150, blank=True, help_text="Who wrote it last, in the browser.")
    changed_at = MomentField(auto_now=True)
    removed_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Deleted in the browser, though there is a file or a default: that counts again once it changes.",
    )
    file_digest = models.CharField(max_length=64, blank=True, editable=False, help_text="Of the file last seen.")
    default_digest = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Of the module's own case last seen."
    )

    objects = CaseQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["script", "name"], name="case_script_name_unique"),
            models.CheckConstraint(condition=Q(name__regex=NAME_PATTERN), name="case_name_valid"),
        ]

    def __str__(self) -> str:
        return f"{self.script}/{self.name}"

    def decoded(self) -> CaseText:
        """Raises CaseProblem where this release reads another form than the one that stored it."""
        return case_text.decode(self.document)

    def write(self, case: CaseText, origin: str, *, user: str = "") -> None:
        """Take another content; save it afterwards."""
        self.document = case_text.encode(case)
        self.digest = case_text.digest_of(self.document)
        self.origin, self.user, self.removed_at = origin, user[:150], None

    def leave(self, user: str) -> None:
        """Be deleted. Where a file or a default of it is known, that it was deleted is remembered: it stays away until that changes."""
        if not (self.file_digest or self.default_digest):
            self.delete()
            return
        self.removed_at, self.user = clock.now(), user[:150]
        self.save(update_fields=["removed_at", "user", "changed_at"])


@dataclass(frozen=True)
class CaseChange:
    """A case that a release brings, or takes away (`content` None)."""

    script: Script
    name: str
    content: CaseText | None
    base: str | None = None
    """Digest of the case it was made from, empty for none; None: whichever is kept."""

    @property
    def document(self) -> str | None:
        return None if self.content is None else case_text.encode(self.content)
