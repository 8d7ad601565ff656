"""The admin's pages of battles and their logs. Read-only: what changes a battle are its scripts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from scripting.admin.base import ReadOnlyAdmin
from wargame.models import BattleLogEntry, Game
from wargame.presentation import admin_url


@admin.register(Game)
class GameAdmin(ReadOnlyAdmin):
    list_display = ("pk", "map_name", "status", "turn", "outcome", "started", "page")
    list_display_links = ("pk",)
    list_filter = ("status",)
    fields = ("map_name", "status", "phase", "turn", "winner", "outcome", "seed", "demo", "started", "ended", "page")
    readonly_fields = ("page",)

    @admin.display(description="page")
    def page(self, game: Game) -> SafeString:
        return format_html('<a href="{}">watch</a>', reverse("wargame:battle", args=[game.pk]))


@admin.register(BattleLogEntry)
class BattleLogEntryAdmin(ReadOnlyAdmin):
    list_display = ("sequence", "game", "turn", "kind", "text", "before", "after", "by")
    list_filter = ("kind", "role", "script")
    search_fields = ("text",)
    show_full_result_count = False
    fields = (
        "game", "sequence", "turn", "kind", "text", "unit", "target", "before", "after", "critical", "by", "role", "error",
        "decisions", "created",
    )  # fmt: skip
    readonly_fields = ("by",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BattleLogEntry]:
        found: Any = super().get_queryset(request)
        return found.select_related("game")  # type: ignore[no-any-return]

    @admin.display(description="decided by")
    def by(self, entry: BattleLogEntry) -> SafeString | str:
        url = admin_url("scripting_execution_change", entry.execution_id)
        return format_html('<a href="{}">{}</a>', url, entry.decided_by) if url else entry.decided_by
