"""Forms of the admin: publish, say why, and limits in seconds and MiB."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from scripting.conf import LEAST, LONGEST, MIB, MOST, SHORTEST
from scripting.models import Script
from scripting.registry import lifecycle
from scripting.sandbox.languages.table import LANGUAGES

NO_REASON = "Say why: it is shown in the history for good."
FIELDS = ("max_execution_time", "max_memory_bytes")


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
    """Limits of one script where they differ from its module's, and why they are changed."""

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

    reason = forms.CharField(
        required=False,
        max_length=lifecycle.LONGEST_REASON,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Why: shown in the history for good"}),
    )

    class Meta:
        model = Script
        fields = FIELDS

    @property
    def changed_limits(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in FIELDS if name in self.changed_data}

    def clean(self) -> None:
        super().clean()
        if not self.errors and self.changed_limits and not self.cleaned_data["reason"]:
            self.add_error("reason", NO_REASON)


class PublishForm(forms.Form):
    """A text and the reason for it. `base` is the version it was begun on; 0 for none."""

    text = forms.CharField(
        strip=False,
        widget=forms.Textarea(
            attrs={"class": "goby-editor", "rows": 20, "spellcheck": "false", "autocapitalize": "off", "wrap": "off"}
        ),
        error_messages={"required": "Write the script first."},
    )
    language = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    reason = forms.CharField(
        required=False,
        max_length=1000,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Why: shown beside the version for good"}),
    )
    base = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = [(name, name) for name in LANGUAGES]  # type: ignore[attr-defined]

    def clean_text(self) -> str:
        """Browsers send line ends as CR LF; scripts are kept with LF."""
        return str(self.cleaned_data["text"]).replace("\r\n", "\n")


class ReasonForm(forms.Form):
    """Why something is done."""

    reason = forms.CharField(
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Why: shown in the history for good"}),
        error_messages={"required": NO_REASON},
    )

    def __init__(self, *args: Any, longest: int = 1000, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reason = self.fields["reason"]
        assert isinstance(reason, forms.CharField)
        reason.max_length = longest
        reason.validators = [MaxLengthValidator(longest)]
        reason.widget.attrs["maxlength"] = longest
