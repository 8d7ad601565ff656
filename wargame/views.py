"""The pages of the battle: the page itself, and its state as JSON."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from wargame import presentation
from wargame.access import watchers_only
from wargame.deciders import rule_card
from wargame.kinds import KINDS
from wargame.maps import TERRAIN
from wargame.models import Game


def current_game() -> Game | None:
    """The battle to show: the one that runs, else the last one."""
    return Game.objects.filter(demo=True).order_by("-pk").first()


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The start page leads to the battle."""
    return redirect("wargame:battle")


@require_safe
@never_cache
@watchers_only
def battle(request: HttpRequest, game: int | None = None) -> HttpResponse:
    """The battle that runs now, or the one of that number."""
    shown = current_game() if game is None else get_object_or_404(Game, pk=game)
    if shown is None:
        return render(request, "wargame/empty.html", {"card": rule_card()})
    entries = presentation.entries_after(shown, 0)[::-1]
    context = presentation.page_context(shown) | {
        "rows": presentation.log_context(entries),
        "follow": game is None,
        "kinds": KINDS.values(),
        "terrains": TERRAIN.values(),
    }
    return render(request, "wargame/battle.html", context)


@require_safe
@never_cache
@watchers_only
def state(request: HttpRequest, game: int | None = None) -> JsonResponse:
    """The state as the JSON feed sends it, with the latest entries; `{"game": null}` while no battle was ever begun."""
    shown = current_game() if game is None else get_object_or_404(Game, pk=game)
    if shown is None:
        return JsonResponse({"game": None})
    since = request.GET.get("since", "")
    entries = presentation.entries_after(
        shown, int(since) if since.isascii() and since.isdigit() and len(since) < 18 else 0
    )
    return JsonResponse(
        presentation.board_data(shown) | {"entries": [presentation.entry_data(entry) for entry in entries]}
    )
