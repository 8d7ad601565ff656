"""Executions in the admin: their list, their figures, and the page of one. Read-only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern

from scripting.admin.base import ReadOnlyAdmin
from scripting.conf import conf
from scripting.insight.executions import list_page
from scripting.insight.executions.story import story_of
from scripting.insight.frame import frame_context
from scripting.insight.receipts import pages, share_pages
from scripting.insight.receipts.standing import gone_words, standing_of, unfit_words
from scripting.insight.urls import admin_urls
from scripting.models import Execution


@admin.register(Execution)
class ExecutionAdmin(ReadOnlyAdmin):
    change_form_template = "admin/scripting/execution/change_form.html"
    fields = ()

    def get_urls(self) -> list[URLPattern]:
        return [*admin_urls(self.admin_site), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        found = super().get_queryset(request)
        return found.select_related("script", "version__script", "error_version__script")  # type: ignore[no-any-return]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Django's own list counts and pages by offsets, so it is not used."""
        return list_page.page(request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        execution = self.get_object(request, object_id)
        if (
            execution is None
            and self.has_view_permission(request)
            and (gone := pages.gone(request, unquote(object_id)))
        ):
            return gone
        extra: dict[str, Any] = {}
        if execution is not None:
            standing = standing_of(execution.pk)
            unfit = "" if standing else unfit_words(execution.pk)
            extra = {
                **frame_context(request),
                "story": story_of(execution),
                "standing": standing,
                "unfit": unfit,
                "trace_url": execution.trace_id and conf.SCRIPTING_TRACE_URL.replace("{trace_id}", execution.trace_id),
                "emptied": gone_words(execution, standing, unfit),
                "share_days": conf.SCRIPTING_SHARE_DAYS,
                "may_share": request.user.has_perm(share_pages.SHARE),
                "may_run": request.user.has_perm("scripting.run_script"),
                "may_keep": request.user.has_perms(("scripting.run_script", "scripting.publish_script")),
                "may_resolve": request.user.has_perm("scripting.resolve_errorgroup"),
                "title": f"{execution.script}",
                "subtitle": None,
            }
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})  # type: ignore[no-any-return]
