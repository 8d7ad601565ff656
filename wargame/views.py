"""The pages of the battle: the page itself, and its state as JSON."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from wargame import presentation
from wargame.access import may_watch
from wargame.deciders import rule_card
from wargame.kinds import KINDS
from wargame.maps import TERRAIN
from wargame.models import Game


def watchers_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Sends visitors to the login where the battle is not public, and refuses those without permission."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if may_watch(request.user):
            return view(request, *args, **kwargs)
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        raise PermissionDenied("Watching the battle takes the permission wargame.view_game.")

    return guarded


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
