"""Filters of our lists whose choices come from what is registered, never from an aggregate over the table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest

from scripting.models import Script, ScriptVersion
from scripting.sandbox.languages.table import LANGUAGES

OVERRIDDEN = (
    (~Q(file_digest="") & Q(rejected_basis=""))
    | Q(active_version__isnull=False, default_version=None)
    | (Q(active_version__isnull=False) & ~Q(active_version=F("default_version")))
)
"""Something else than the embedded default runs, or a file stands ready to: a present file is an override even when equal."""


class ModuleFilter(SimpleListFilter):
    """By the game module of the record's script."""

    title = "module"
    parameter_name = "module"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        names = Script.objects.order_by("module").values_list("module", flat=True).distinct()
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        if queryset.model is Script:
            return queryset.filter(module=self.value())
        # Ids first: the list then walks the index of its script and time instead of joining.
        return queryset.filter(
            script_id__in=list(Script.objects.filter(module=self.value()).values_list("pk", flat=True))
        )


class ScriptFilter(SimpleListFilter):
    """By script."""

    title = "script"
    parameter_name = "script"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        return [(str(script.pk), str(script)) for script in Script.objects.order_by("module", "name")[:500]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(script_id=int(value)) if value.isdecimal() and len(value) < 18 else queryset


class OverrideFilter(SimpleListFilter):
    """Whether something else than the embedded default runs."""

    title = "source"
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        return [("override", "overridden"), ("default", "embedded default"), ("none", "nothing active")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Script]) -> QuerySet[Script]:
        match self.value():
            case "override":
                return queryset.filter(OVERRIDDEN)
            case "default":
                return queryset.exclude(active_version=None).exclude(OVERRIDDEN)
            case "none":
                return queryset.filter(active_version=None)
        return queryset


class StateFilter(SimpleListFilter):
    """Whether a script runs, stays as it is, or was retired; lists leave out the retired unless they are asked for."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        return [("enabled", "enabled"), ("disabled", "disabled"), ("pinned", "pinned"), ("retired", "retired")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Script]) -> QuerySet[Script]:
        if self.value() == "retired":
            return queryset.exclude(retired_at=None)
        in_use = queryset.filter(retired_at=None)
        match self.value():
            case "enabled":
                return in_use.filter(enabled=True)
            case "disabled":
                return in_use.filter(enabled=False)
            case "pinned":
                return in_use.filter(pinned=True)
        return in_use


class LanguageFilter(SimpleListFilter):
    """By language of a version."""

    title = "language"
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        return [(name, name) for name in LANGUAGES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ScriptVersion]) -> QuerySet[ScriptVersion]:
        return queryset.filter(language=self.value()) if self.value() else queryset
