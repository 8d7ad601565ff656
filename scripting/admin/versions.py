"""Versions of scripts: immutable texts, shown and never changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from scripting.admin.base import ReadOnlyAdmin
from scripting.admin.filters import LanguageFilter, ModuleFilter, ScriptFilter
from scripting.admin.links import script_link
from scripting.insight import open_breakers
from scripting.insight.display import badge, code_block, size
from scripting.insight.times import moment
from scripting.models import ScriptVersion


@admin.register(ScriptVersion)
class ScriptVersionAdmin(ReadOnlyAdmin):
    list_display = ("title", "of_script", "origin", "language", "state", "author", "message", "at")
    list_display_links = ("title",)
    list_filter = (ModuleFilter, ScriptFilter, "origin", "accepted", LanguageFilter)
    search_fields = ("script__name", "message", "source", "sha256")
    ordering = ("-pk",)
    fields = (("of_script", "state"), ("origin", "language"), ("author", "at"), ("length", "digest"), "message")
    readonly_fields = ("of_script", "state", "at", "length", "digest", "message")
    change_form_template = "admin/scripting/scriptversion/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScriptVersion]:
        found = super().get_queryset(request).select_related("script", "author")
        return found.defer("content", "source", "diagnostics")  # type: ignore[no-any-return]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        version = self.get_object(request, object_id)
        extra: dict[str, Any] = {}
        if version is not None:
            fallback = open_breakers.of(version.script)
            concerned = fallback and {fallback.withheld.pk, fallback.version.id if fallback.version else None}
            extra = {
                "fallback": fallback if concerned and version.pk in concerned else None,
                "code": code_block(bytes(version.content), version.diagnostics),
                "is_active": version.script.active_version_id == version.pk,
                "may_publish": request.user.has_perm("scripting.publish_script"),
                "title": str(version),
                "subtitle": None,
            }
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})  # type: ignore[no-any-return]

    @admin.display(description="version", ordering="pk")
    def title(self, version: ScriptVersion) -> str:
        return f"v{version.number}"

    @admin.display(description="script")
    def of_script(self, version: ScriptVersion) -> SafeString:
        return script_link(version.script)

    @admin.display(description="state")
    def state(self, version: ScriptVersion) -> SafeString:
        if version.script.active_version_id == version.pk:
            return badge("active", "success")
        return badge("accepted") if version.accepted else badge("rejected", "danger")

    @admin.display(description="stored")
    def at(self, version: ScriptVersion) -> SafeString:
        return moment(version.created_at)

    @admin.display(description="length")
    def length(self, version: ScriptVersion) -> str:
        content = bytes(version.content)
        lines = content.count(b"\n") + 1
        return f"{size(len(content))}, {lines} lines"

    @admin.display(description="sha256")
    def digest(self, version: ScriptVersion) -> SafeString:
        return format_html('<code class="goby-digest">{}</code>', version.sha256)
