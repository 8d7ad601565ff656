"""Which version became active, when, why and by whom."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from scripting.admin.base import ReadOnlyAdmin
from scripting.admin.filters import ModuleFilter
from scripting.admin.links import script_link, version_link
from scripting.insight.display import badge
from scripting.insight.times import moment
from scripting.models import Activation

CAUSES = {"publish": "info", "rollback": "warning", "file": "success", "file_deleted": "warning"}


@admin.register(Activation)
class ActivationAdmin(ReadOnlyAdmin):
    list_display = ("at", "of_script", "to_version", "by_cause", "actor", "reason", "known")
    list_display_links = ("at",)
    list_filter = (ModuleFilter, "cause")
    search_fields = ("script__name", "reason")
    fields = ("of_script", "to_version", "by_cause", "actor", "reason", "known", "override", "at")
    readonly_fields = ("of_script", "to_version", "by_cause", "known", "at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Activation]:
        found = super().get_queryset(request).select_related("script", "version__script", "actor")
        return found.prefetch_related("evidence__script")  # type: ignore[no-any-return]

    @admin.display(description="when")
    def at(self, activation: Activation) -> SafeString:
        return moment(activation.created_at)

    @admin.display(description="script")
    def of_script(self, activation: Activation) -> SafeString:
        return script_link(activation.script)

    @admin.display(description="version")
    def to_version(self, activation: Activation) -> SafeString:
        return version_link(activation.version)

    @admin.display(description="cause")
    def by_cause(self, activation: Activation) -> SafeString:
        return badge(activation.cause.replace("_", " "), CAUSES.get(activation.cause, ""))

    @admin.display(description="with")
    def known(self, activation: Activation) -> str:
        """The evidence in words, as the gate had it."""
        words = [evidence.in_words for evidence in activation.evidence.all()]
        return "; ".join([*words, *(["overridden"] if activation.override else [])]) or "—"
