"""The limits of one script, asked for and shown in seconds and MiB."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from scripting.models import Script

FIELDS = ("max_execution_time", "max_memory_bytes")
MIB = 1 << 20
SHORTEST, LONGEST = 0.01, 3600.0
"""Seconds that a script may be given. A run that takes an hour holds up all that its module waits for."""
LEAST, MOST = 1, 4096
"""MiB."""


class MebibytesField(forms.FloatField):
    """MiB where people read and write, whole bytes in the database."""

    def to_python(self, value: Any) -> int | None:
        number = super().to_python(value)
        return None if number is None else round(number * MIB)

    def prepare_value(self, value: Any) -> Any:
        return f"{value / MIB:.12g}" if isinstance(value, int) else value

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is not None and not LEAST * MIB <= value <= MOST * MIB:
            raise ValidationError(f"Give {LEAST} to {MOST:,} MiB, or nothing.")


class LimitsForm(forms.ModelForm):  # type: ignore[type-arg] # at run time it takes none
    """What one script may take where that is not what its module's may."""

    max_execution_time = forms.FloatField(
        label="Time",
        required=False,
        min_value=SHORTEST,
        max_value=LONGEST,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"placeholder": "the module's limit"}),
        help_text="Seconds that a run may take.",
    )
    max_memory_bytes = MebibytesField(
        label="Memory",
        required=False,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"placeholder": "the module's limit"}),
        help_text="MiB that a run may take.",
    )

    class Meta:
        model = Script
        fields = FIELDS
