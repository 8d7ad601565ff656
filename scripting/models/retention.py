"""The state of the retention: how far each part has come, and which executions keep their payloads whatever their age."""

from __future__ import annotations

from uuid import UUID

from django.db import models

from scripting.models.script import Script


class RetentionMark(models.Model):
    """Executions up to `upto` have been seen to by this part of the retention."""

    part = models.CharField(max_length=32, primary_key=True)
    upto = models.UUIDField(default=UUID(int=0))

    def __str__(self) -> str:
        return f"{self.part}: {self.upto}"


class KeptExecution(models.Model):
    """An execution in the reservoir, see metrics/reservoir.py. No foreign key: it would make each deletion of executions slower."""

    execution = models.UUIDField(primary_key=True)
    script = models.ForeignKey(Script, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=16, help_text="Digest of outcome, topic and shape of result.")
    number = models.BigIntegerField(help_text="Drawn by the id: of each kind the smallest numbers are kept.")

    class Meta:
        indexes = [models.Index(fields=["script", "kind", "number"], name="reservoir_of_script")]

    def __str__(self) -> str:
        return str(self.execution)
