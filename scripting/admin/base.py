"""Base classes of our admin pages: unknown addresses, read-only records, and lists that never count a whole table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import DataError
from django.db.models import Model, QuerySet
from django.forms import Media
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.text import capfirst
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite
from unfold.views import ChangeList

from scripting.insight import menu

COUNTED = 1000
"""Rows that a list counts; beyond it says `1000` and goes on by pages."""


STOCK_LOOK = Media(
    css={"all": ("scripting/theme.css", "scripting/admin.css", "scripting/stock_admin.css")},
    js=("scripting/stock_admin.js",),
)


class CappedPaginator(Paginator):  # type: ignore[type-arg] # generic in the stubs alone
    """Counts up to COUNTED rows, so that a page takes as long at ten million rows as at ten thousand."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return len(rows.order_by().values_list("pk", flat=True)[:COUNTED]) if hasattr(rows, "order_by") else len(rows)


@contextmanager
def _wrong_lookups_told() -> Iterator[None]:
    """Answer a lookup that only the database refuses (a year or number out of range, a NUL) as the caller's fault too."""
    try:
        yield
    except (DataError, OverflowError, ValueError) as error:
        raise IncorrectLookupParameters(error) from error


class CheckedChangeList(ChangeList):  # type: ignore[misc] # unfold is not typed
    """Answers any nonsense in its query string as Django answers a field that is not there: by going to `?e=1`."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        if any(name.endswith(("__regex", "__iregex")) for name in request.GET):
            raise IncorrectLookupParameters  # on SQLite it would run in this process, for as long as it takes
        with _wrong_lookups_told():
            return super().get_queryset(request, exclude_parameters)  # type: ignore[no-any-return]

    def get_results(self, request: HttpRequest) -> None:
        with _wrong_lookups_told():
            super().get_results(request)


class UncountedChangeList(CheckedChangeList):
    """Does not offer to show all where nothing is filtered, though the whole was never counted."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.query and not self.has_active_filters:
            self.full_result_count = self.result_count


class CheckedAdmin(ModelAdmin):  # type: ignore[misc] # unfold is not typed
    """Pages of records with whole numbers as ids that tell a wrong address or query string from a fault of ours."""

    @property
    def media(self) -> Media:
        """Our look too, where the site is Django's own: the theme brings it to every page."""
        media: Media = super().media
        return media if isinstance(self.admin_site, UnfoldAdminSite) else media + STOCK_LOOK

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CheckedChangeList]:
        return CheckedChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list has the title that leads to it in the menu, or the name of its records."""
        response: HttpResponse = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse) and "cl" in (
            response.context_data or {}
        ):  # an action answers here too
            assert response.context_data is not None
            groups = response.context_data.get("sidebar_navigation") or menu.navigation(request)
            title = menu.title_of(request.path, groups) or capfirst(self.opts.verbose_name_plural)
            response.context_data["title"] = title
        return response

    def response_action(self, request: HttpRequest, *given: Any, **named: Any) -> Any:
        for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME):
            if not (chosen.isdecimal() and len(chosen) < 19):
                raise BadRequest("What was selected is none of the list's rows.")
        return super().response_action(request, *given, **named)


class HistoryAdmin(SimpleHistoryAdmin, CheckedAdmin):  # type: ignore[misc] # not typed
    """Shows the history of a record, which simple_history looks up by whatever stands in the address."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self._refuse_strangers_and_nonsense(request, unquote(object_id))
        return super().history_view(request, object_id, extra_context)  # type: ignore[no-any-return]

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self._refuse_strangers_and_nonsense(request, object_id, version_id)
        return super().history_form_view(request, object_id, version_id, extra_context)  # type: ignore[no-any-return]

    def _refuse_strangers_and_nonsense(self, request: HttpRequest, *ids: str) -> None:
        if not self.has_view_history_or_change_history_permission(request):
            raise PermissionDenied
        try:
            for given in ids:
                self.opts.pk.to_python(given)
        except ValidationError:
            raise Http404(f"There is no {self.opts.verbose_name} with such a history.") from None


class ReadOnlyAdmin(CheckedAdmin):
    """A record that pages show and nobody changes here."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would count the table
    list_per_page = 50
    actions = None
    list_max_show_all = 0
    sortable_by: tuple[str, ...] = ()
    change_list_template = "admin/scripting/change_list.html"
    change_form_template = "admin/scripting/readonly.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedChangeList]:
        return UncountedChangeList

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
