"""The admin's pages of battles and their logs. Read-only: what changes a battle are its scripts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from scripting.admin.base import ReadOnlyAdmin
from scripting.insight import times
from wargame.log_filters import BattleFilter, TimeFilter, UnitFilter
from wargame.models import BattleLogEntry, Game
from wargame.models.log import decided_by
from wargame.presentation import admin_url


@admin.register(Game)
class GameAdmin(ReadOnlyAdmin):
    list_display = ("battle", "map_name", "status", "turn", "outcome", "began", "over", "page", "log")
    list_display_links = ("battle",)
    list_filter = ("status", "map_name")
    fields = (
        "map_name",
        "status",
        "phase",
        "turn",
        "winner",
        "outcome",
        "seed",
        "demo",
        "began",
        "over",
        "page",
        "log",
    )
    readonly_fields = ("began", "over", "page", "log")

    @admin.display(description="battle")
    def battle(self, game: Game) -> str:
        return str(game.pk)

    @admin.display(description="began")
    def began(self, game: Game) -> SafeString:
        return times.moment(game.started)

    @admin.display(description="ended")
    def over(self, game: Game) -> SafeString:
        return times.moment(game.ended)

    @admin.display(description="page")
    def page(self, game: Game) -> SafeString:
        words = "watch" if game.is_running else "open"
        return format_html('<a class="goby-link" href="{}">{}</a>', reverse("wargame:battle", args=[game.pk]), words)

    @admin.display(description="log")
    def log(self, game: Game) -> SafeString:
        url = reverse("admin:wargame_battlelogentry_changelist")
        return format_html('<a class="goby-link" href="{}?battle={}">entries</a>', url, str(game.pk))


@admin.register(BattleLogEntry)
class BattleLogEntryAdmin(ReadOnlyAdmin):
    list_display = ("entry", "written", "turn", "kind", "text", "health", "by")
    list_filter = (TimeFilter, UnitFilter, BattleFilter, "kind", "role", "script")
    search_fields = ("text",)
    search_help_text = "Words of an entry, such as the name of a unit"
    show_full_result_count = False
    fields = (
        "battle", "sequence", "turn", "kind", "text", "unit", "target", "before", "after", "critical", "by", "role", "error",
        "steps", "written",
    )  # fmt: skip
    readonly_fields = ("battle", "by", "steps", "written")

    @admin.display(description="battle")
    def battle(self, entry: BattleLogEntry) -> SafeString | str:
        return format_html(
            '<a class="goby-link" href="{}">{}</a>', admin_url("wargame_game_change", entry.game_id), entry.game
        )

    @admin.display(description="battle.entry")
    def entry(self, entry: BattleLogEntry) -> str:
        return f"{entry.game_id}.{entry.sequence}"

    @admin.display(description="health")
    def health(self, entry: BattleLogEntry) -> str:
        return "" if entry.before is None else f"{entry.before}\u00a0→\u00a0{entry.after}"

    @admin.display(description="written")
    def written(self, entry: BattleLogEntry) -> SafeString:
        return times.moment(entry.created, exact=True)

    @admin.display(description="decided by")
    def by(self, entry: BattleLogEntry) -> SafeString | str:
        return _linked(entry.decided_by, entry.execution_id)

    @admin.display(description="decisions")
    def steps(self, entry: BattleLogEntry) -> SafeString:
        """Every run on the way here, first to last."""
        lines = (
            (
                _linked(decided_by(d), d.get("execution")),
                "decided" if d.get("execution") == str(entry.execution_id) else "",
                d.get("error", ""),
            )
            for d in entry.decisions
        )
        steps = format_html_join("", '<li>{} <b>{}</b> <span class="goby-quiet">{}</span></li>', lines)
        return format_html('<ol class="goby-steps">{}</ol>', steps) if steps else SafeString("—")


def _linked(words: str, execution: Any) -> SafeString | str:
    """Words with a link to the run, where it is known."""
    url = admin_url("scripting_execution_change", execution)
    return format_html('<a class="goby-link" href="{}">{}</a>', url, words) if url else words
