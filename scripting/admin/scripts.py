"""Scripts: what runs, why, and the few things an admin changes here. What is active changes only through the registry."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action

from scripting.admin import forms, publishing, switches
from scripting.admin.base import HistoryAdmin
from scripting.admin.filters import ModuleFilter, OverrideFilter, StateFilter
from scripting.admin.links import list_url, url_of, version_link
from scripting.admin.switches import Switch
from scripting.insight import open_breakers
from scripting.insight.display import badge, code_block
from scripting.insight.display import limits as show_limits
from scripting.insight.times import moment
from scripting.models import Activation, Execution, Script, ScriptVersion
from scripting.modules.installed import limits_for
from scripting.registry import lifecycle, reach
from scripting.sources.beside import CANNOT_BE_TAKEN, HELD, REJECTED, WAITING, file_state
from scripting.sources.extraction import NothingToExtract, extract
from scripting.subscriptions.subscribed import runs_on

logger = logging.getLogger(__name__)

VERSIONS_SHOWN = 15
FILE_MARKS = {
    REJECTED: ("file rejected", "danger"),
    WAITING: ("file waits for its replay", "info"),
    HELD: ("file held by the gate", "danger"),
    CANNOT_BE_TAKEN: ("file cannot be taken", "danger"),
}


@admin.register(Script)
class ScriptAdmin(HistoryAdmin):
    list_display = ("tree", "active", "origin", "marks", "state", "latest_change")
    list_display_links = ("tree",)
    list_filter = (ModuleFilter, OverrideFilter, StateFilter)
    search_fields = ("module", "name", "active_version__source")
    search_help_text = "Names and the text that runs"
    ordering = ("module", "name")
    sortable_by = ()
    list_per_page = 100
    actions = ("extract_selected", "extract_active_selected")
    actions_detail = ("workbench", "publish", {"title": "More", "items": ("revert", "extract_one")})
    form = forms.LimitsForm
    readonly_fields = ("limits_said",)
    change_list_template = "admin/scripting/change_list.html"
    change_form_template = "admin/scripting/script/change_form.html"
    object_history_list_template = "admin/scripting/script/history.html"
    warn_unsaved_form = True

    # -- who may ---------------------------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_publish_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Script | None = None) -> bool:
        return False  # executions, versions and activations tell its story

    def has_publish_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("scripting.publish_script"))

    def has_extract_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("scripting.edit_script"))

    def revert_disabled(self, request: HttpRequest, obj: Script | None = None) -> bool:
        return True  # what runs changes through the registry, which checks it and records why

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method != "GET":
            raise PermissionDenied("History is read here; roll back from the list of versions.")
        return super().history_form_view(request, object_id, version_id, extra_context)

    def save_model(self, request: HttpRequest, obj: Script, form: Any, change: bool) -> None:
        """Only the limits are written: what is active may have changed since the page was opened."""
        if form.changed_limits:
            assert request.user.is_authenticated
            reason = form.cleaned_data["reason"]
            lifecycle.limit(Script.objects.get(pk=obj.pk), actor=request.user, reason=reason, **form.changed_limits)

    def get_fieldsets(self, request: HttpRequest, obj: Script | None = None) -> Any:
        fields = (forms.FIELDS, "reason") if self.has_change_permission(request, obj) else ("limits_said",)
        return (("Limits", {"fields": fields}),)

    @admin.display(description="of this script")
    def limits_said(self, script: Script) -> str:
        return show_limits(script)

    # -- the list --------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Script]:
        found = super().get_queryset(request)
        return found.select_related("active_version__breaker", "default_version").prefetch_related(None)  # type: ignore[no-any-return]

    @admin.display(description="script", ordering="name")
    def tree(self, script: Script) -> SafeString:
        return format_html('<span class="goby-module">{}/</span><b>{}</b>', script.module, script.name)

    @admin.display(description="active version")
    def active(self, script: Script) -> SafeString:
        return version_link(script.active_version) if script.active_version else badge("nothing active", "danger")

    @admin.display(description="origin")
    def origin(self, script: Script) -> str:
        version = script.active_version
        return f"{version.origin} · {version.language}" if version else "—"

    @admin.display(description="marks")
    def marks(self, script: Script) -> SafeString:
        return marks_of(script)

    @admin.display(description="state")
    def state(self, script: Script) -> SafeString:
        if script.retired_at is not None:
            return badge("retired", "danger")
        if not script.enabled:
            return badge("disabled", "warning")
        breaker = getattr(script.active_version, "breaker", None)  # there is none while it has never failed
        return badge("breaker open", "danger") if breaker and breaker.opened_at else badge("enabled", "success")

    @admin.display(description="last change")
    def latest_change(self, script: Script) -> SafeString:
        last = script.activations.select_related("actor").first()
        return change_of(last)

    # -- the page of one -------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        name = "scripting_script_rollback"
        rollback = path("<int:script_id>/rollback/<int:number>/", self.admin_site.admin_view(self.rollback), name=name)
        switch = path(
            "<int:script_id>/switch/<slug:name>/",
            self.admin_site.admin_view(self.switch),
            name="scripting_script_switch",
        )
        return [rollback, switch, *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """A script begins as an embedded default, as a file, with publish_script, or on the workbench's page."""
        if not self.has_add_permission(request):
            raise PermissionDenied("Creating scripts needs the permission scripting.publish_script.")
        return redirect("workbench:new")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        script = self.get_object(request, object_id)
        extra = self._page(request, script) if script is not None else {}
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})  # type: ignore[no-any-return]

    def _page(self, request: HttpRequest, script: Script) -> dict[str, Any]:
        version = script.active_version
        versions = script.versions.select_related("author").defer("content", "source")
        return {
            "title": str(script),
            "subtitle": None,
            "version": version,
            "marks": marks_of(script),
            "code": code_block(bytes(version.content), version.diagnostics) if version else None,
            "last": script.latest_activation(),
            "activations": script.activations.select_related("actor", "version").prefetch_related("evidence")[:8],
            "versions": versions[:VERSIONS_SHOWN],
            "version_count": versions.count(),
            "versions_url": list_url(ScriptVersion, script=script.pk),
            "activations_url": list_url(Activation, q=script.name),
            "executions": recent_executions(script),
            "executions_url": list_url(Execution, script=script.pk),
            "may_publish": self.has_publish_permission(request),
            "may_extract": self.has_extract_permission(request),
            "module_limits": limits_for(script.module),
            "runs_on": runs_on(script.module, script.name),
            "unheard": reach.unheard(script),
            "fallback": open_breakers.of(script),
            "states": switches.states_of(script),
            "switches": switches.open_to(script),
            "show_save_and_add_another": False,
        }

    @action(description="Workbench", url_path="workbench", permissions=["view"], icon="edit_note")  # type: ignore[untyped-decorator] # unfold is not typed
    def workbench(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        script = self._script(request, object_id)
        return redirect("workbench:script", script.module, script.name)

    @action(description="Publish", url_path="publish", permissions=["publish"], icon="publish")  # type: ignore[untyped-decorator] # unfold is not typed
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        script = self._script(request, object_id)
        return self._stays_retired(request, script) or publishing.publish_view(self, request, script)

    @action(description="Revert to the default", url_path="revert", permissions=["publish"], icon="undo")  # type: ignore[untyped-decorator] # unfold is not typed
    def revert(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        script = self._script(request, object_id)
        if script.retired_at is not None:
            return self._stays_retired(request, script)  # type: ignore[return-value]
        if script.default_version is None or script.default_version == script.active_version:
            why = "has no embedded default" if script.default_version is None else "runs its embedded default already"
            messages.info(request, f"{script} {why}.")
            return redirect(url_of(script))
        return publishing.rollback_view(self, request, script, script.default_version.number)

    @action(description="Extract into a file", url_path="extract", permissions=["extract"], icon="file_save")  # type: ignore[untyped-decorator] # unfold is not typed
    def extract_one(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        script = self._script(request, object_id)
        if request.method != "POST":
            return publishing.confirm_extraction(self, request, script)
        active, overwrite = request.POST.get("which") == "active", request.POST.get("overwrite") == "on"
        self._extract(request, [script], active=active, force=overwrite)
        return redirect(url_of(script))

    def rollback(self, request: HttpRequest, script_id: int, number: int) -> HttpResponseBase:
        """Make an old version the one that runs; POST acts, GET asks."""
        if not self.has_publish_permission(request):
            raise PermissionDenied("Rolling back needs the permission scripting.publish_script.")
        script = self._script(request, str(script_id))
        return self._stays_retired(request, script) or publishing.rollback_view(self, request, script, number)

    def switch(self, request: HttpRequest, script_id: int, name: str) -> HttpResponseBase:
        """Switch a script off or on, pin it, retire it …; POST acts, GET asks."""
        if not self.has_publish_permission(request):
            raise PermissionDenied("Switching scripts needs the permission scripting.publish_script.")
        known = switches.SWITCHES.get(name)
        if known is None:
            raise Http404(f"There is nothing called {name} to do to a script.")
        return switches.switch_view(self, request, self._script(request, str(script_id)), known)

    def _stays_retired(self, request: HttpRequest, script: Script) -> HttpResponseBase | None:
        """The answer to changing what a retired script runs; None for a script in use."""
        if script.retired_at is None:
            return None
        messages.info(request, f"{script} is retired: bring it back first.")
        return redirect(url_of(script))

    def _script(self, request: HttpRequest, object_id: str) -> Script:
        script = self.get_object(request, object_id)
        if script is None:
            raise Http404("There is no such script.")
        if not self.has_view_permission(request, script):
            raise PermissionDenied
        return script  # type: ignore[no-any-return]

    # -- switches --------------------------------------------------------------------------------------------------

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Each switch as an action of the list, for who may publish."""
        found = super().get_actions(request)
        if self.has_publish_permission(request):
            for switch in switches.SWITCHES.values():
                found[f"{switch.name}_selected"] = (
                    partial(_switch_selected, switch=switch),
                    f"{switch.name}_selected",
                    f"{switch.label}, with a reason",
                )
        return found  # type: ignore[no-any-return]

    # -- extraction ------------------------------------------------------------------------------------------------

    @admin.action(description="Extract embedded defaults to disk (existing files are kept)", permissions=["extract"])
    def extract_selected(self, request: HttpRequest, queryset: QuerySet[Script]) -> None:
        self._extract(request, list(queryset))

    @admin.action(description="Extract what runs now to disk (existing files are kept)", permissions=["extract"])
    def extract_active_selected(self, request: HttpRequest, queryset: QuerySet[Script]) -> None:
        self._extract(request, list(queryset), active=True)

    def _extract(
        self, request: HttpRequest, scripts: list[Script], *, active: bool = False, force: bool = False
    ) -> None:
        """Requirement 4.1 from the browser, with its report file by file (4.5)."""
        try:
            report = extract(scripts=scripts, active=active, force=force)
        except NothingToExtract as error:
            messages.warning(request, str(error))
            return
        for item in report:
            logger.info("%s extracted %s: %s", request.user, item.path, item.outcome)
            tell = (
                messages.error
                if item.is_failure
                else messages.success
                if item.outcome in {"written", "overwritten"}
                else messages.info
            )
            tell(request, f"{item.path}: {item.outcome}" + (f" ({item.detail})" if item.detail else ""))


def _switch_selected(admin: ScriptAdmin, request: HttpRequest, queryset: QuerySet[Script], *, switch: Switch) -> Any:
    return switches.switch_selected(admin, request, list(queryset), switch)


# -- parts of pages ----------------------------------------------------------------------------------------------------


def marks_of(script: Script) -> SafeString:
    """Marks of a script: overridden, with a file, pinned, a newer default waiting."""
    marks = []
    rejected = bool(script.rejected_basis)
    if script.is_overridden or (script.file_digest and not rejected):
        marks.append(badge("override", "info"))
    if script.file_digest or script.held:
        words = FILE_MARKS.get(file_state(script))
        marks.append(badge(*words) if words else badge("file"))
    if script.pinned:
        marks.append(badge("pinned"))
    if newer_default(script):
        marks.append(badge("new default", "warning"))
    return (
        format_html('<span class="goby-marks">{}</span>', format_html("{}" * len(marks), *marks))
        if marks
        else SafeString("")
    )


def newer_default(script: Script) -> bool:
    """Whether a release brought a default that something else stays active over."""
    default, active = script.default_version, script.active_version
    return default is not None and active is not None and default != active and default.created_at > active.created_at


def change_of(activation: Activation | None) -> SafeString:
    if activation is None:
        return SafeString("—")
    by = f" by {activation.actor}" if activation.actor else ""
    return format_html(
        '{} <span class="goby-quiet" title="{}">{}{}</span>',
        moment(activation.created_at),
        activation.reason,
        activation.cause.replace("_", " "),
        by,
    )


def recent_executions(script: Script) -> list[Execution]:
    """The last few runs, by the index of script and time."""
    return list(
        script.executions.select_related("version").defer("inputs", "result", "log", "host_calls", "inputs_text")[:8]
    )
