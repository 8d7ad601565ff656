"""What our admin pages share: read-only records, and lists that never count a whole table."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin

COUNTED = 1000
"""Rows that a list counts; beyond it says `1000` and goes on by pages."""


class CappedPaginator(Paginator):  # type: ignore[type-arg] # generic in the stubs alone
    """Counts up to COUNTED rows, so that a page takes as long at ten million rows as at ten thousand."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return len(rows.order_by().values_list("pk", flat=True)[:COUNTED]) if hasattr(rows, "order_by") else len(rows)


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc] # unfold is not typed
    """A record that pages show and nobody changes here."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    actions = None
    sortable_by: tuple[str, ...] = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
