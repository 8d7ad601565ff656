"""What our admin pages share: read-only records, and lists that never count a whole table."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

COUNTED = 1000
"""Rows that a list counts; beyond it says `1000` and goes on by pages."""


class CappedPaginator(Paginator):  # type: ignore[type-arg] # generic in the stubs alone
    """Counts up to COUNTED rows, so that a page takes as long at ten million rows as at ten thousand."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return len(rows.order_by().values_list("pk", flat=True)[:COUNTED]) if hasattr(rows, "order_by") else len(rows)


class UncountedChangeList(ChangeList):  # type: ignore[misc] # unfold is not typed
    """Does not offer to show all where nothing is filtered, though the whole was never counted."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.query and not self.has_active_filters:
            self.full_result_count = self.result_count


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc] # unfold is not typed
    """A record that pages show and nobody changes here."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would count the table
    list_per_page = 50
    actions = None
    list_max_show_all = 0
    sortable_by: tuple[str, ...] = ()
    change_form_template = "admin/scripting/readonly.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedChangeList]:
        return UncountedChangeList

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
