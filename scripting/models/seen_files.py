"""Which override files each scripts folder held when it was last looked at: only there their absence is a deletion."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from scripting.models.moments import MomentField


class SeenFile(models.Model):
    """One file in one folder, as last seen there."""

    folder = models.CharField(max_length=64, help_text="Name of the scripts folder, as in its file .folder.")
    path = models.CharField(max_length=200, help_text="module/script, of a case module/script/case.")
    digest = models.CharField(max_length=64)
    seen_at = MomentField(auto_now=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["folder", "path"], name="seen_file_unique")]

    def __str__(self) -> str:
        return f"{self.path} in {self.folder}"
