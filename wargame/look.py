"""The battle as all its open pages are shown it, read and rendered once per change; what a page gets is the difference to what it has.

A message is JSON text, made once for all pages that have the same, so that a thousand pages cost a thousand writes and no more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wargame import presentation, rewind
from wargame.models import Game

Facts = tuple[int, int, str, str, int | None]


@dataclass(frozen=True, eq=False)
class Look:
    """The battle after one change."""

    facts: Facts
    """By which a change is seen: latest entry, turn, phase, status, and the next battle's number."""
    state: Mapping[str, Any]
    """The state as JSON, without the log."""
    context: dict[str, Any]
    """The context of the templates."""
    parts: Mapping[str, str]
    """HTML of each part of the page that a change may concern."""
    rows: Mapping[int, str]
    """HTML of the latest log entries, by number, in order."""
    entries: Mapping[int, Mapping[str, Any]]
    """The same entries as JSON."""
    texts: dict[Any, str] = field(default_factory=dict)
    """Messages made so far."""

    @property
    def sequence(self) -> int:
        return self.facts[0]

    def html(self, since: int | None) -> str:
        """The first message of the HTML socket: every part and what the log got after `since`. None: the map and the whole log too."""
        return self._text(("html", since), lambda: self._html(self._whole() if since is None else self.parts, since))

    def html_after(self, before: Look) -> str:
        """The update for a page that was sent `before`: the parts that differ, and new entries."""
        return self._text(("html", before.facts), lambda: self._html(self._changed_parts(before), before.sequence))

    def feed(self, since: int | None) -> str:
        """The first message of the JSON socket: the whole state, and the entries after `since`."""
        sequence = self.sequence if since is None else since
        return self._text(("feed", since), lambda: self._feed("state", self.state, sequence))

    def feed_after(self, before: Look) -> str:
        """The update for a page that was sent `before`: what differs of the state, of its units those that changed, and new entries."""
        return self._text(("feed", before.facts), lambda: self._feed("update", self._changes(before), before.sequence))

    def _whole(self) -> dict[str, str]:
        return presentation.drawn(self.context, ["map"]) | dict(self.parts)

    def _html(self, parts: Mapping[str, str], since: int | None) -> dict[str, Any]:
        rows = [html for sequence, html in self.rows.items() if since is None or sequence > since]
        return {"type": "html", "fragments": presentation.as_fragments(parts, rows[::-1], whole=since is None)}

    def _changes(self, before: Look) -> dict[str, Any]:
        changed = {name: value for name, value in self.state.items() if before.state[name] != value}
        return {"game": self.state["game"], **changed, "units": self._changed_units(before)}

    def _changed_units(self, before: Look) -> list[Any]:
        return [unit for unit in self.state["units"] if unit not in before.state["units"]]

    def _changed_parts(self, before: Look) -> dict[str, str]:
        changed = {place: html for place, html in self.parts.items() if before.parts[place] != html}
        if changed.pop("rosters", None) is not None:
            changed |= presentation.drawn_units(self.context, {unit["id"] for unit in self._changed_units(before)})
        return changed

    def _feed(self, kind: str, state: Mapping[str, Any], since: int) -> dict[str, Any]:
        entries = [entry for sequence, entry in self.entries.items() if sequence > since]
        return {"type": kind, **state, "entries": entries}

    def _text(self, key: Any, make: Callable[[], dict[str, Any]]) -> str:
        if key not in self.texts:
            message = {"sequence": self.sequence, **make(), "next": self.facts[4]}
            self.texts[key] = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        return self.texts[key]


def look_at(game_id: int, before: Look | None) -> Look | None:
    """The battle as it is now: `before` itself where nothing has changed, None where there is no such battle. Reads the database."""
    game = Game.objects.filter(pk=game_id).first()
    if game is None:
        return None
    facts = (game.sequence, game.turn, game.phase, game.status, None if game.is_running else _next_battle(game))
    if before is not None and before.facts == facts:
        return before
    board = rewind.now(game)
    context = presentation.page_context(board)
    new = [
        entry
        for entry in presentation.entries_after(game, before.sequence if before else 0)
        if entry.sequence <= game.sequence  # what is written by now is for the next look
    ]
    rows = {row["entry"].sequence: presentation.drawn_row(row) for row in presentation.log_context(new[::-1])[::-1]}
    entries = {entry.sequence: presentation.entry_data(entry) for entry in new}
    return Look(
        facts,
        presentation.board_data(board),
        context,
        presentation.drawn(context, presentation.REPLACED),
        _latest({**before.rows, **rows} if before else rows),
        _latest({**before.entries, **entries} if before else entries),
    )


def _latest(entries: dict[int, Any]) -> dict[int, Any]:
    return dict([*entries.items()][-presentation.LOG_LENGTH :])


def _next_battle(game: Game) -> int | None:
    return Game.objects.running().filter(demo=True, pk__gt=game.pk).values_list("pk", flat=True).first()
