"""How far each part of the retention has come, so that no run looks again at what an earlier one has seen to."""

from __future__ import annotations

from uuid import UUID

from django.db import models


class RetentionMark(models.Model):
    """Executions up to `upto` have been seen to by this part of the retention."""

    part = models.CharField(max_length=32, primary_key=True)
    upto = models.UUIDField(default=UUID(int=0))

    def __str__(self) -> str:
        return f"{self.part}: {self.upto}"
