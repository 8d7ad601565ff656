"""The pages of the battle: the page itself, and its state as JSON."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from scripting.insight.asked import as_number
from wargame import presentation, rewind
from wargame.access import watchers_only
from wargame.deciders import rule_card
from wargame.kinds import KINDS
from wargame.maps import TERRAIN
from wargame.models import BattleLogEntry, Game


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
    first, asked = rewind.first_moment(shown), as_number(request.GET.get("at"))
    board = (
        rewind.now(shown)
        if first is None or asked is None
        else rewind.at(shown, max(first.sequence, min(asked, shown.sequence)))
    )
    context = presentation.page_context(board) | {
        "rows": presentation.log_context(presentation.entries_until(board)),
        "follow": game is None and board.entry is None,
        "kinds": KINDS.values(),
        "terrains": TERRAIN.values(),
        "first": first,
        "last": shown.sequence,
        "refused": asked is not None and board.entry is None,
    }
    return render(request, "wargame/battle.html", context)


@require_safe
@never_cache
@watchers_only
def moment(request: HttpRequest, game: int, sequence: int) -> JsonResponse:
    """The battle at the moment of an entry: its state, and the parts of the page that show it."""
    shown = get_object_or_404(Game, pk=game)
    try:
        board = rewind.at(shown, sequence)
    except BattleLogEntry.DoesNotExist:
        raise Http404 from None
    except rewind.NotRebuildable:
        return JsonResponse({"error": "The log of that moment does not hold the board."}, status=409)
    assert board.entry is not None
    return JsonResponse(
        presentation.board_data(board)
        | {
            "entry": presentation.entry_data(board.entry),
            "told": render_to_string("wargame/_moment.html", {"moment": board.entry}),
            "fragments": presentation.moment_fragments(board),
        }
    )


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
        presentation.board_data(rewind.now(shown)) | {"entries": [presentation.entry_data(entry) for entry in entries]}
    )
