"""Scripts, their immutable versions, which one is active and why, and what designers are writing."""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from scripting.models.histories import HistoryAtHand
from scripting.models.moments import MomentField
from scripting.sandbox import source_text
from scripting.texts.escaping import visible

NAME_PATTERN = r"^[a-z][a-z0-9_]{0,63}$"
SEGMENTS = "@"
"""Stands in values of knobs for those that hold for some events alone; no knob can have this name."""
SHARED = "shared"
"""The reserved module whose scripts are helpers, imported by others."""


class ScriptQuerySet(models.QuerySet["Script"]):
    def in_use(self) -> ScriptQuerySet:
        return self.filter(retired_at=None)

    def named(self, module: str, name: str) -> ScriptQuerySet:
        return self.filter(module=module, name=name)


class Script(models.Model):
    """A named behaviour of a game module. Its text is in its versions; `active_version` is the one that runs."""

    module = models.CharField(max_length=64)
    name = models.CharField(max_length=64)
    language = models.CharField(
        max_length=32, blank=True, help_text="Language of the embedded default; empty without one."
    )
    active_version = models.ForeignKey(
        "ScriptVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    default_version = models.ForeignKey(
        "ScriptVersion",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        help_text="The embedded default as this release ships it.",
    )
    active_knobs = models.ForeignKey(
        "KnobSet",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        help_text="Values of its knobs; empty: the defaults of its text.",
    )
    max_execution_time = models.FloatField(null=True, blank=True, help_text="Seconds; empty: the module's limit.")
    max_memory_bytes = models.BigIntegerField(null=True, blank=True, help_text="Bytes; empty: the module's limit.")
    enabled = models.BooleanField(
        default=True, help_text="A disabled script's events end skipped and the built-in rule runs."
    )
    pinned = models.BooleanField(default=False, help_text="Keep the active version when a new default ships.")
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)
    file_digest = models.CharField(max_length=64, blank=True, editable=False, help_text="sha256 of the file last seen.")
    rejected_basis = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="Where that file was rejected: sha256 of all that the verdict rests on. It is judged again once that changes.",
    )
    rejected_batch = models.CharField(
        max_length=32, blank=True, editable=False, help_text="The files that were rejected together with it."
    )
    held = models.CharField(
        max_length=500,
        blank=True,
        editable=False,
        db_default="",
        default="",
        help_text="Why the gate does not let that file through, or that it waits for its replay; empty where its check refused it.",
    )
    created_at = MomentField(auto_now_add=True)

    history = HistoricalRecords(
        excluded_fields=["rejected_basis", "rejected_batch", "held"], history_manager=HistoryAtHand
    )
    objects = ScriptQuerySet.as_manager()

    _history_user: Any
    """Who is said to have made the next save; read by simple-history, like `_change_reason`."""
    _change_reason: str

    class Meta:
        ordering = ["module", "name"]
        permissions = [
            ("edit_script", _("Can write drafts of scripts")),
            ("publish_script", _("Can publish and roll back scripts")),
            ("run_script", _("Can run scripts")),
            ("tune_script", _("Can set the knobs of scripts")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["module", "name"], name="script_module_name_unique"),
            models.CheckConstraint(condition=Q(module__regex=NAME_PATTERN), name="script_module_valid"),
            models.CheckConstraint(condition=Q(name__regex=NAME_PATTERN), name="script_name_valid"),
            models.CheckConstraint(
                condition=Q(max_execution_time=None) | Q(max_execution_time__gt=0), name="script_time_positive"
            ),
            models.CheckConstraint(
                condition=Q(max_memory_bytes=None) | Q(max_memory_bytes__gt=0), name="script_memory_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.module}/{self.name}"

    def limit_changes(self) -> dict[str, Any]:
        """The fields of SecurityLimits that this script sets over its module's."""
        own = {"max_execution_time": self.max_execution_time, "max_memory_bytes": self.max_memory_bytes}
        return {name: value for name, value in own.items() if value is not None}

    @property
    def is_overridden(self) -> bool:
        """Whether something else than the embedded default is active."""
        return self.active_version_id is not None and self.active_version_id != self.default_version_id

    def latest_activation(self) -> Activation | None:
        """Why what is active is active."""
        return self.activations.select_related("actor", "version").order_by("-id").first()


class ScriptVersionQuerySet(models.QuerySet["ScriptVersion"]):
    def accepted(self) -> ScriptVersionQuerySet:
        return self.filter(accepted=True)

    def rejected(self) -> ScriptVersionQuerySet:
        return self.filter(accepted=False)


TEXTS = ("content", "source", "diagnostics")
"""Large fields of a version, which no list shows."""


class ScriptVersion(models.Model):
    """One immutable text of a script, accepted or rejected by its check; numbered from 1 per script."""

    class Origin(models.TextChoices):
        EMBEDDED = "embedded"
        FILE = "file"
        EDITOR = "editor"

    script = models.ForeignKey(Script, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    language = models.CharField(max_length=32)
    content = models.BinaryField(help_text="The text as written, byte for byte.")
    source = models.TextField(help_text="The text as it may be shown and searched.")
    sha256 = models.CharField(max_length=64)
    origin = models.CharField(max_length=16, choices=Origin.choices)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    message = models.TextField(blank=True)
    accepted = models.BooleanField(help_text="Whether the text passed its check when it was stored.")
    diagnostics = models.JSONField(default=list, blank=True)
    created_at = MomentField(auto_now_add=True)

    objects = ScriptVersionQuerySet.as_manager()

    class Meta:
        verbose_name = "version"
        ordering = ["script", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["script", "number"], name="version_number_unique"),
            models.UniqueConstraint(fields=["script", "language", "sha256"], name="version_text_unique"),
            models.CheckConstraint(condition=Q(number__gte=1), name="version_number_positive"),
        ]

    MUTABLE: ClassVar[frozenset[str]] = frozenset({"accepted", "diagnostics"})
    """A later check (a new interpreter, a repaired helper) may judge the same text anew; the text never changes."""

    def __str__(self) -> str:
        return f"{self.script} v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding and not set(kwargs.get("update_fields") or {"content"}) <= self.MUTABLE:
            raise ValidationError("a stored version never changes: publish a new one")
        super().save(*args, **kwargs)

    @property
    def text(self) -> str:
        """The text as it is compiled. Raises NotText for a rejected version that is none."""
        return source_text.decode(bytes(self.content))

    @property
    def editable_text(self) -> str:
        """The text to edit; of a rejected version that is no UTF-8 what can be shown of it."""
        try:
            return self.text
        except source_text.NotText:
            return self.source

    @staticmethod
    def digest_of(content: bytes) -> str:
        return hashlib.sha256(content).hexdigest()

    @staticmethod
    def shown(content: bytes) -> str:
        return visible(content.decode("utf-8", "backslashreplace"))


class KnobSet(models.Model):
    """Values of a script's knobs, all that are set together: immutable, numbered from 1 per script."""

    script = models.ForeignKey(Script, on_delete=models.PROTECT, related_name="knob_sets")
    number = models.PositiveIntegerField()
    content = models.TextField(
        help_text="The values by name, as JSON with sorted keys. A knob that is not in it has its default."
    )
    sha256 = models.CharField(max_length=64)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    message = models.TextField(blank=True)
    created_at = MomentField(auto_now_add=True)

    class Meta:
        ordering = ["script", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["script", "number"], name="knob_set_number_unique"),
            models.UniqueConstraint(fields=["script", "sha256"], name="knob_set_values_unique"),
            models.CheckConstraint(condition=Q(number__gte=1), name="knob_set_number_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.script} knobs {self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise ValidationError("a stored set of values never changes: publish a new one")
        super().save(*args, **kwargs)

    @property
    def values(self) -> dict[str, Any]:
        """Those that hold for all events."""
        return {name: value for name, value in self.all_values.items() if name != SEGMENTS}

    @property
    def all_values(self) -> dict[str, Any]:
        """Under SEGMENTS also those for some events alone."""
        return dict(json.loads(self.content))

    @property
    def digest(self) -> str:
        """Of the values; empty where all have their defaults, as without a set."""
        return self.sha256 if self.all_values else ""

    @property
    def segments(self) -> list[tuple[str, dict[str, Any]]]:
        """(selector, values) of those for some events alone, in the order in which they count."""
        return [(selector, values) for selector, values in self.all_values.get(SEGMENTS, ())]

    @property
    def told(self) -> dict[str, Any]:
        """All of them as people read them: `chance`, and `chance for segment gold` where it holds there alone."""
        own = {f"{name} for {selector}": value for selector, values in self.segments for name, value in values.items()}
        return self.values | own


class BundleKnobs(models.Model):
    """A set of values that a bundle was compiled with, of its script or of a helper: for a run recorded with its digest."""

    bundle_digest = models.CharField(max_length=64)
    knobs = models.ForeignKey(KnobSet, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bundle_digest", "knobs"], name="bundle_knobs_unique")]

    def __str__(self) -> str:
        return f"{self.knobs} in {self.bundle_digest[:12]}"


class BundleHelper(models.Model):
    """A helper version that a bundle took in, so that a run recorded with the bundle's digest can be repeated."""

    bundle_digest = models.CharField(max_length=64)
    version = models.ForeignKey(ScriptVersion, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bundle_digest", "version"], name="bundle_helper_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.version} in {self.bundle_digest[:12]}"


class Activation(models.Model):
    """That a version became the one that runs: the last one of a script wins."""

    class Cause(models.TextChoices):
        DEFAULT = "default"
        FILE = "file"
        PUBLISH = "publish"
        ROLLBACK = "rollback"
        FILE_DELETED = "file_deleted"
        UPGRADE = "upgrade"

    script = models.ForeignKey(Script, on_delete=models.PROTECT, related_name="activations")
    version = models.ForeignKey(
        ScriptVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="activations"
    )
    knobs = models.ForeignKey(
        KnobSet,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="activations",
        help_text="The values of its knobs from then on; empty: the defaults of the text.",
    )
    cause = models.CharField(max_length=16, choices=Cause.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.TextField(blank=True)
    evidence: models.ManyToManyField[Any, Any] = models.ManyToManyField(
        "Evidence", related_name="activations", help_text="What was known of the change when it went live."
    )
    override = models.TextField(
        blank=True, default="", db_default="", help_text="Why it went live although the gate was closed."
    )
    review = models.ForeignKey(
        "Review",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="activations",
        help_text="The review in which somebody else approved it.",
    )
    created_at = MomentField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["script", "-id"], name="activation_latest_of_script")]
        constraints = [
            models.CheckConstraint(
                condition=Q(version__isnull=False) | Q(cause="file_deleted"), name="activation_has_version"
            )
        ]

    def __str__(self) -> str:
        knobs = f", knobs {self.knobs.number}" if self.knobs else ""
        return f"{self.version or f'{self.script}: nothing'}{knobs} ({self.get_cause_display().lower()})"


class Draft(models.Model):
    """One person's unpublished text of one script, and the version it started from."""

    script = models.ForeignKey(Script, on_delete=models.PROTECT, related_name="drafts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    base_version = models.ForeignKey(ScriptVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    language = models.CharField(max_length=32)
    source = models.TextField(blank=True)
    revision = models.UUIDField(help_text="Changes with every save; a save naming another one is refused.")
    created_at = MomentField(auto_now_add=True)
    updated_at = MomentField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["script", "user"], name="draft_one_per_script_and_user")]

    def __str__(self) -> str:
        return f"{self.script} by {self.user}"
