"""The tree of all scripts: what is live, where it came from, how it does, who changed it last and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import OuterRef, Q, Subquery

from scripting.hot_reload.fleet import NOWHERE, Spread, spreads_of
from scripting.insight import open_breakers
from scripting.insight.open_breakers import FallbackInForce
from scripting.models import SHARED, Activation, Draft, Script
from scripting.registry import dependents, reach
from scripting.sources.beside import CANNOT_BE_TAKEN, WAITING, file_state, why_not_taken
from scripting.subscriptions.subscribed import runs_on
from scripting.workbench.activity import Pulse, pulses

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_MATCHES = 3
"""Lines of a source shown for a search."""
MAX_QUERY = 200


@dataclass(frozen=True)
class Match:
    """A line of a source that a search found."""

    line: int
    before: str
    found: str
    after: str
    in_draft: bool = False
    """Whether it stands in the searcher's own draft, and not in what is live."""


HELD_WORDS = {WAITING: "file waits for its replay", CANNOT_BE_TAKEN: "file cannot be taken"}


@dataclass(frozen=True)
class Entry:
    """One script of the tree."""

    script: Script
    change: Activation | None
    pulse: Pulse
    loaded: Spread
    matches: Sequence[Match]
    draft: Draft | None = None
    """The draft that the person looking has of it."""
    fallback: FallbackInForce | None = None
    """The fallback while the breaker of its active version is open."""
    unheard: str = ""
    """Why nothing runs it."""

    @property
    def held(self) -> str:
        """Why its file does not run yet: it waits for its replay, the gate does not let it through, or it cannot be taken."""
        return why_not_taken(self.script) if self.script.held else ""

    @property
    def why_held(self) -> str:
        """The same in short."""
        return HELD_WORDS.get(file_state(self.script), "file held by the gate")

    @property
    def runs_on(self) -> list[str]:
        """Topics and endpoints whose script it is."""
        return runs_on(self.script.module, self.script.name)


@dataclass(frozen=True)
class Branch:
    """A module with its scripts."""

    module: str
    entries: Sequence[Entry]

    @property
    def is_shared(self) -> bool:
        return self.module == SHARED


def tree(query: str = "", user: User | None = None) -> list[Branch]:
    """All scripts in use by module, or those with `query` in their name, in their live source, or in the user's own draft."""
    query = query.strip()[:MAX_QUERY]
    found = Script.objects.in_use().select_related("active_version", "default_version")
    drafts = {draft.script_id: draft for draft in Draft.objects.filter(user=user)} if user else {}
    if query:
        written = [pk for pk, draft in drafts.items() if query.lower() in draft.source.lower()]
        in_source = Q(active_version__source__icontains=query) | Q(pk__in=written)
        found = found.filter(Q(name__icontains=query) | Q(module__icontains=query) | in_source)
    latest = Activation.objects.filter(script=OuterRef("pk")).order_by("-id").values("pk")[:1]
    scripts = {script: script.latest for script in found.annotate(latest=Subquery(latest))}  # type: ignore[attr-defined]
    changes = Activation.objects.select_related("actor", "version").in_bulk([pk for pk in scripts.values() if pk])
    places, ran, fallbacks = spreads_of(scripts), pulses(), open_breakers.of_all()
    imported = dependents.imported() if any(script.module == SHARED for script in scripts) else set()
    branches: dict[str, list[Entry]] = {}
    for script, change in scripts.items():
        draft = drafts.get(script.pk)
        matches = matching_lines(script, draft, query) if query else ()
        pulse = ran.get(script.pk) or Pulse()
        place, fallback = places.get(script.pk, NOWHERE), fallbacks.get(script.pk)
        unheard = reach.unheard(script, imported)
        entry = Entry(script, changes.get(change or 0), pulse, place, matches, draft, fallback, unheard)
        branches.setdefault(script.module, []).append(entry)
    return [Branch(module, entries) for module, entries in sorted(branches.items())]


def matching_lines(script: Script, draft: Draft | None, query: str) -> list[Match]:
    """The first lines of the live source that contain `query`, in any case; of a draft those that are not live as well."""
    active = script.active_version.source if script.active_version else ""
    found = list(matches_in(active, query))[:MAX_MATCHES]
    if draft is not None:
        known = set(active.split("\n"))
        lines = draft.source.split("\n")
        own = (match for match in matches_in(draft.source, query, in_draft=True) if lines[match.line - 1] not in known)
        found += list(own)[:MAX_MATCHES]
    return found


def matches_in(source: str, query: str, *, in_draft: bool = False) -> Iterator[Match]:
    wanted = query.lower()
    for number, line in enumerate(source.split("\n"), 1):
        at = line.lower().find(wanted)
        if at >= 0:
            end = at + len(query)
            yield Match(number, line[:at][-60:], line[at:end], line[end:][:60], in_draft)
