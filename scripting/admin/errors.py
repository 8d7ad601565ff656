"""Error groups in the admin: what fails, since when, how often, and whether someone has seen to it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString

from scripting import clock
from scripting.admin.base import ReadOnlyAdmin
from scripting.admin.filters import ModuleFilter, ScriptFilter
from scripting.insight.advice import advice
from scripting.insight.dashboard.charts import spark
from scripting.insight.display import badge
from scripting.insight.executions import listing
from scripting.insight.executions.error_place import latest_place
from scripting.insight.executions.filters import Filters
from scripting.insight.times import moment
from scripting.metrics.error_groups import ErrorGroupSummary, NoteMissing, resolve, summaries
from scripting.models import Activation, ErrorCount, ErrorGroup, Execution, Resolution

RESOLVE = "scripting.resolve_errorgroup"


class StateFilter(admin.SimpleListFilter):
    """By what people said of it."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        return [("open", "open"), ("resolved", "resolved"), ("back", "back after it was resolved")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ErrorGroup]) -> QuerySet[ErrorGroup]:
        latest = Resolution.objects.filter(group=OuterRef("pk")).order_by("-pk")
        said = queryset.annotate(
            said=Subquery(latest.values("resolved")[:1]), said_at=Subquery(latest.values("at")[:1])
        )
        newer = ErrorGroup.objects.filter(
            script=OuterRef("script"),
            error_type=OuterRef("error_type"),
            error_script=OuterRef("error_script"),
            message=OuterRef("message"),
            version__number__gt=OuterRef("version__number"),
            last_seen__gt=OuterRef("said_at"),
        )
        back = Q(last_seen__gt=F("said_at")) | Exists(newer)
        match self.value():
            case "open":
                return said.filter(Q(said=None) | Q(said=False) | back)
            case "resolved":
                return said.filter(~back, said=True)
            case "back":
                return said.filter(back, said=True)
        return queryset


class NewFilter(admin.SimpleListFilter):
    """First seen since the script's active version was last changed."""

    title = "since the last publish"
    parameter_name = "new"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        return [("1", "new")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ErrorGroup]) -> QuerySet[ErrorGroup]:
        if self.value() != "1":
            return queryset
        later = Activation.objects.filter(script=OuterRef("script"), created_at__gt=OuterRef("first_seen"))
        return queryset.filter(~Exists(later))


@admin.register(ErrorGroup)
class ErrorGroupAdmin(ReadOnlyAdmin):
    list_display = ("error", "count", "trend", "seen")
    list_display_links = ("error",)
    list_filter = (ModuleFilter, ScriptFilter, "error_type", StateFilter, NewFilter)
    search_fields = ("message",)
    ordering = ("-last_seen",)
    fields = ()
    change_form_template = "admin/scripting/errorgroup/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ErrorGroup]:
        return super().get_queryset(request).select_related("script", "version__script")  # type: ignore[no-any-return]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Trends and notes are read for the whole page at once."""
        found = super().get_changelist_instance(request)
        for told in summaries(list(found.result_list)):
            told.group.told = told  # type: ignore[attr-defined] # the very rows of the list
        return found

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        group = self.get_object(request, object_id)
        if group is not None and request.method == "POST":
            return self._say(request, group)
        extra: dict[str, Any] = {}
        if group is not None:
            [told] = summaries([group])
            hours = _by_hour(group)
            extra = {
                "told": told,
                "advice": advice(group.error_type, group.message),
                "place": latest_place(group),
                "newest": Execution.objects.filter(pk=group.last_execution).values_list("pk", flat=True).first(),
                "bars": spark(hours, 672, 60),
                "peak": max(hours),
                "said": group.resolutions.select_related("user"),
                "latest": listing.page(Filters(group=group.pk), size=10),
                "may_resolve": request.user.has_perm(RESOLVE),
                "title": f"{group} in {group.script}",
                "subtitle": None,
            }
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})  # type: ignore[no-any-return]

    def _say(self, request: HttpRequest, group: ErrorGroup) -> HttpResponse:
        if not request.user.has_perm(RESOLVE):
            raise PermissionDenied(f"This needs the permission {RESOLVE}.")
        resolved = request.POST.get("resolved") != "no"
        try:
            resolve(group, request.user, request.POST.get("note", ""), resolved=resolved)
        except NoteMissing as missing:
            messages.error(request, str(missing))
        else:
            messages.success(request, "Resolved." if resolved else "Open again.")
        target = request.POST.get("next", "")
        safe = url_has_allowed_host_and_scheme(target, allowed_hosts=None)
        return redirect(target if safe else request.get_full_path())

    @admin.display(description="error")
    def error(self, group: ErrorGroup) -> SafeString:
        told: ErrorGroupSummary = group.told  # type: ignore[attr-defined]
        labels = [badge("new", "warning")] if told.is_new else []
        if told.state != "open":
            labels.append(badge(told.state, "success" if told.state == "resolved" else "danger"))
        version = f" v{group.version.number}" if group.version else ""
        return format_html(
            '<span class="goby-error-type">{}</span> {}{}<br><span class="goby-quiet goby-clip">{}</span>'
            '<br><span class="goby-quiet">{}{}</span>',
            group,
            *[*labels, "", ""][:2],
            group.message[:120],
            group.script,
            version,
        )

    @admin.display(description="last and first seen")
    def seen(self, group: ErrorGroup) -> SafeString:
        return format_html(
            '{}<br><span class="goby-quiet">{}</span>', moment(group.last_seen), moment(group.first_seen)
        )

    @admin.display(description="last 24 hours")
    def trend(self, group: ErrorGroup) -> SafeString:
        told: ErrorGroupSummary = group.told  # type: ignore[attr-defined]
        return SafeString(
            render_to_string("scripting/insight/_spark.html", {"summary": told, "bars": spark(told.trend)})
        )


def _by_hour(group: ErrorGroup) -> list[int]:
    """Failures per hour over the last seven days, oldest first."""
    first = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=24 * 7 - 1)
    counts = [0] * 24 * 7
    for start, count in ErrorCount.objects.filter(group=group, start__gte=first).values_list("start", "count"):
        index = int((start - first).total_seconds() // 3600)
        if index < len(counts):
            counts[index] = count
    return counts
