"""Filters of the battle log's list. Each names ids that an index finds: the log is long, and its times have no index."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from scripting import clock
from wargame.models import BattleLogEntry, Game, Unit

LATEST = 20
"""Battles that the filters offer, and those whose units they offer."""
RANGES = {
    "5m": ("last 5 minutes", timedelta(minutes=5)),
    "1h": ("last hour", timedelta(hours=1)),
    "24h": ("last 24 hours", timedelta(hours=24)),
    "7d": ("last 7 days", timedelta(days=7)),
}


class TimeFilter(SimpleListFilter):
    """Written within the last minutes, hours or days."""

    title = "time"
    parameter_name = "time"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        return [(name, words) for name, (words, _) in RANGES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[BattleLogEntry]) -> QuerySet[BattleLogEntry]:
        chosen = RANGES.get(self.value() or "")
        if chosen is None:
            return queryset
        since = clock.now() - chosen[1]
        played = Game.objects.filter(Q(ended=None) | Q(ended__gte=since))
        return queryset.filter(created__gte=since, game_id__in=list(played.values_list("pk", flat=True)))


class BattleFilter(SimpleListFilter):
    """Of one of the latest battles."""

    title = "battle"
    parameter_name = "battle"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        return [(str(game.pk), f"{game.pk}: {game.map_name}") for game in Game.objects.order_by("-pk")[:LATEST]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[BattleLogEntry]) -> QuerySet[BattleLogEntry]:
        value = self.value() or ""
        return queryset.filter(game_id=int(value)) if value.isdecimal() and len(value) < 18 else queryset


class UnitFilter(SimpleListFilter):
    """In which a unit of that name acted or was acted upon."""

    title = "unit"
    parameter_name = "unit"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        games = list(Game.objects.order_by("-pk").values_list("pk", flat=True)[:LATEST])
        names = Unit.objects.filter(game_id__in=games).order_by("name").values_list("name", flat=True).distinct()
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[BattleLogEntry]) -> QuerySet[BattleLogEntry]:
        if not self.value():
            return queryset
        named = list(Unit.objects.filter(name=self.value()).values_list("pk", flat=True))
        return queryset.filter(Q(unit_id__in=named) | Q(target_id__in=named))
