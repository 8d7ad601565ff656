"""Executions: every run, what went in, what came out and which version decided. Read-only."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from scripting.admin.base import ReadOnlyAdmin
from scripting.admin.filters import ModuleFilter, ScriptFilter, TopicFilter
from scripting.admin.links import script_link, version_link
from scripting.admin.story import story_of
from scripting.models import Execution
from scripting.show import milliseconds, moment, status_badge

BLOBS = ("inputs", "result", "log", "host_calls", "inputs_text", "result_text")


@admin.register(Execution)
class ExecutionAdmin(ReadOnlyAdmin):
    list_display = ("at", "of_script", "outcome", "cause_of", "by_version", "took", "error")
    list_display_links = ("at",)
    list_filter = (ModuleFilter, ScriptFilter, "status", "error_type", "trigger", TopicFilter)
    search_fields = ("event_id",)
    search_help_text = "An id of an execution, event or request, an ordering key, or text of inputs and results"
    ordering = ("-pk",)
    change_form_template = "admin/scripting/execution/change_form.html"
    fields = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        return super().get_queryset(request).select_related("script", "version__script")  # type: ignore[no-any-return]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Execution], search_term: str
    ) -> tuple[QuerySet[Execution], bool]:
        """Ids and keys are looked up as they are; anything else is searched for in inputs and results."""
        term = search_term.strip()
        if not term:
            return queryset, False
        exact = Q(event_id=term) | Q(key=term) | Q(request_id=term)
        try:
            return queryset.filter(exact | Q(pk=UUID(term)) | Q(cause=UUID(term))), False
        except ValueError:
            pass
        return queryset.filter(exact | Q(inputs_text__icontains=term) | Q(result_text__icontains=term)), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": "Executions", **(extra_context or {})})  # type: ignore[no-any-return]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list shows none of the large columns, so it reads none."""
        found = super().get_changelist_instance(request)
        for execution in found.result_list:
            execution._state.fields_cache.setdefault("script", execution.script)
        return found

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        execution = self.get_object(request, object_id)
        extra: dict[str, Any] = {}
        if execution is not None:
            extra = {"story": story_of(execution), "title": f"{execution.script}", "subtitle": None}
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})  # type: ignore[no-any-return]

    @admin.display(description="started")
    def at(self, execution: Execution) -> SafeString:
        return moment(execution.started_at)

    @admin.display(description="script")
    def of_script(self, execution: Execution) -> SafeString:
        return script_link(execution.script)

    @admin.display(description="status")
    def outcome(self, execution: Execution) -> SafeString:
        return status_badge(execution.status)

    @admin.display(description="on")
    def cause_of(self, execution: Execution) -> SafeString:
        return format_html('{} <span class="goby-quiet">{}</span>', execution.topic or execution.trigger, execution.key)

    @admin.display(description="version")
    def by_version(self, execution: Execution) -> SafeString | str:
        return version_link(execution.version) if execution.version else execution.get_role_display()

    @admin.display(description="took")
    def took(self, execution: Execution) -> str:
        return milliseconds(execution.wall_us)

    @admin.display(description="error")
    def error(self, execution: Execution) -> SafeString | str:
        if not execution.error_type and not execution.error_message:
            return ""
        return format_html(
            '<span class="goby-error-type">{}</span> <span class="goby-quiet goby-clip">{}</span>',
            execution.error_type.replace("_", " "),
            execution.error_message[:120],
        )
