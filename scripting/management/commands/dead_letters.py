"""`dead_letters`: what could be neither run nor recorded; put back or deleted by id, or all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandParser

from scripting.bus import dead_letters
from scripting.bus.dead_letters import DeadLetter, Unreadable
from scripting.management.output import ScriptingCommand
from scripting.texts.escaping import one_line

ALL = "all"


class Command(ScriptingCommand):
    help = "List the dead letters, newest first; put them back or delete them."

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_json(parser)
        action = parser.add_mutually_exclusive_group()
        action.add_argument(
            "--put-back", metavar="ID", help="put this one back into its stream; `all`: each that can be"
        )
        action.add_argument("--delete", metavar="ID", help="delete this one for good; `all`: every one")

    def handle(self, *, as_json: bool, put_back: str | None, delete: str | None, **options: Any) -> None:
        if delete is not None:
            self._act(delete, dead_letters.delete, "deleted", as_json=as_json)
        elif put_back is not None:
            self._act(put_back, dead_letters.put_back, "put back", as_json=as_json)
        elif as_json:
            self.print_json({"dead_letters": [_described(dead_letter) for dead_letter in everything()]})
        else:
            rows = [
                (
                    dead_letter.id,
                    dead_letter.stream,
                    dead_letter.event.topic if dead_letter.event else "unreadable",
                    dead_letter.reason,
                )
                for dead_letter in everything()
            ]
            self.print_table(("id", "stream", "event", "why"), rows)

    def _act(self, which: str, act: Callable[[DeadLetter], bool], done: str, *, as_json: bool) -> None:
        if which == ALL:
            chosen = everything()[::-1]  # oldest first, as they came
        else:
            found = dead_letters.find(which)
            if found is None:
                self.misused(f"there is no dead letter {which}")
            chosen = [found]
        count, reasons = 0, dict[str, str]()
        for dead_letter in chosen:
            try:
                count += act(dead_letter)
            except Unreadable as reason:
                reasons[dead_letter.id] = str(reason)
        if as_json:
            refused = [{"id": each, "reason": reason} for each, reason in reasons.items()]
            self.print_json({done.replace(" ", "_"): count, "refused": refused})
        else:
            self.say(f"{count} {done}")
        if reasons:
            self.fail("\n".join(f"{each}: {reason}" for each, reason in reasons.items()))


def everything() -> list[DeadLetter]:
    """All of them, newest first."""
    found: list[DeadLetter] = []
    while page := dead_letters.newest(found[-1].id if found else "", 500):
        found += page
    return found


def _described(dead_letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": dead_letter.id,
        "at": dead_letter.at.isoformat(),
        "stream": dead_letter.stream,
        "entry": dead_letter.entry,
        "reason": one_line(dead_letter.reason, 4000),
        "topic": dead_letter.event.topic if dead_letter.event else None,
        "event_id": dead_letter.event.id if dead_letter.event else None,
        "bytes": len(dead_letter.envelope),
    }
