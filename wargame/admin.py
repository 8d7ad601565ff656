"""The admin's pages of battles and their logs. Read-only: what changes a battle are its scripts."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from scripting.admin.base import ReadOnlyAdmin
from scripting.insight import display
from wargame.models import BattleLogEntry, Game
from wargame.presentation import admin_url


@admin.register(Game)
class GameAdmin(ReadOnlyAdmin):
    list_display = ("battle", "map_name", "status", "turn", "outcome", "began", "over", "page")
    list_display_links = ("battle",)
    list_filter = ("status", "map_name")
    fields = ("map_name", "status", "phase", "turn", "winner", "outcome", "seed", "demo", "began", "over", "page")
    readonly_fields = ("began", "over", "page")

    @admin.display(description="battle")
    def battle(self, game: Game) -> str:
        return str(game.pk)

    @admin.display(description="began")
    def began(self, game: Game) -> SafeString:
        return display.moment(game.started)

    @admin.display(description="ended")
    def over(self, game: Game) -> SafeString:
        return display.moment(game.ended)

    @admin.display(description="page")
    def page(self, game: Game) -> SafeString:
        words = "watch" if game.is_running else "open"
        return format_html('<a class="goby-link" href="{}">{}</a>', reverse("wargame:battle", args=[game.pk]), words)


@admin.register(BattleLogEntry)
class BattleLogEntryAdmin(ReadOnlyAdmin):
    list_display = ("entry", "turn", "kind", "text", "health", "by")
    list_filter = ("kind", "role", "script")
    search_fields = ("text",)
    search_help_text = "Words of an entry, such as the name of a unit"
    show_full_result_count = False
    fields = (
        "game", "sequence", "turn", "kind", "text", "unit", "target", "before", "after", "critical", "by", "role", "error",
        "decisions", "written",
    )  # fmt: skip
    readonly_fields = ("by", "written")

    @admin.display(description="battle.entry")
    def entry(self, entry: BattleLogEntry) -> str:
        return f"{entry.game_id}.{entry.sequence}"

    @admin.display(description="health")
    def health(self, entry: BattleLogEntry) -> str:
        return "" if entry.before is None else f"{entry.before}\u00a0→\u00a0{entry.after}"

    @admin.display(description="written")
    def written(self, entry: BattleLogEntry) -> SafeString:
        return display.moment(entry.created)

    @admin.display(description="decided by")
    def by(self, entry: BattleLogEntry) -> SafeString | str:
        url = admin_url("scripting_execution_change", entry.execution_id)
        return format_html('<a class="goby-link" href="{}">{}</a>', url, entry.decided_by) if url else entry.decided_by
