"""The pages of the battle log: its list with filters, and the story of one entry."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from scripting import clock
from scripting.conf import conf
from scripting.insight.asked import as_number
from scripting.insight.dashboard.ranges import RANGES
from wargame import log_listing, presentation, rewind, stories
from wargame.access import watchers_only
from wargame.models import BattleLogEntry, Game


@require_safe
@never_cache
@watchers_only
def log(request: HttpRequest, game: int | None = None) -> HttpResponse:
    """Entries that the query string asks for, newest first: of one battle, or of all."""
    shown = get_object_or_404(Game, pk=game) if game is not None else None
    given = request.GET.dict() | ({"battle": str(game)} if game is not None else {})
    filters = log_listing.parse(given)
    before, after = (as_number(request.GET.get(name)) for name in ("before", "after"))
    page = log_listing.page(filters, before=before, after=after)
    context = {
        "shown": shown,
        "page": page,
        "rows": [presentation.row_of(entry) for entry in page.rows],
        "filters": filters,
        "given": request.GET,
        "choices": log_listing.choices(filters) | {"ranges": [(each.name, f"last {each.title}") for each in RANGES]},
        "first": before is None and after is None,
        "query": _query(request),
    }
    return render(request, "wargame/log.html", context)


def _query(request: HttpRequest) -> str:
    """The question without its place in the pages."""
    query = request.GET.copy()
    for name in ("before", "after"):
        query.pop(name, None)
    return query.urlencode()


@require_safe
@never_cache
@watchers_only
def story(request: HttpRequest, game: int, sequence: int) -> HttpResponse:
    """One entry: its sentence, and every decision on the way to it."""
    battle = get_object_or_404(Game, pk=game)  # of a number that no column holds there is none
    entries = BattleLogEntry.objects.filter(game=battle).select_related("game", "unit__side", "target__side")
    entry = get_object_or_404(entries, sequence=sequence)
    first = rewind.first_moment(entry.game)
    context = {
        "entry": entry,
        "game": entry.game,
        "row": presentation.row_of(entry),
        "sentence": stories.sentence(entry),
        "steps": stories.steps(entry),
        "followed": stories.followed(entry),
        "earlier": sequence - 1 if sequence > 1 else None,
        "later": sequence + 1 if sequence < entry.game.sequence else None,
        "now": clock.now(),
        "kept_until": entry.created + timedelta(days=conf.SCRIPTING_KEEP_DAYS),
        "has_moment": first is not None and sequence >= first.sequence,
    }
    return render(request, "wargame/story.html", context)
