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
            self._act(delete, dead_letters.delete, "deleted")
        elif put_back is not None:
            self._act(put_back, dead_letters.put_back, "put back")
        elif as_json:
            self.print_json({"dead_letters": [_described(letter) for letter in everything()]})
        else:
            rows = [
                (letter.id, letter.stream, letter.event.topic if letter.event else "unreadable", letter.reason)
                for letter in everything()
            ]
            self.print_table(("id", "stream", "event", "why"), rows)

    def _act(self, which: str, act: Callable[[DeadLetter], bool], done: str) -> None:
        if which == ALL:
            letters = everything()[::-1]  # oldest first, as they came
        else:
            found = dead_letters.find(which)
            if found is None:
                self.misused(f"there is no dead letter {which}")
            letters = [found]
        count, problems = 0, []
        for letter in letters:
            try:
                count += act(letter)
            except Unreadable as problem:
                problems.append(f"{letter.id}: {problem}")
        self.say(f"{count} {done}")
        if problems:
            self.fail("\n".join(problems))


def everything() -> list[DeadLetter]:
    """All of them, newest first."""
    found: list[DeadLetter] = []
    while page := dead_letters.newest(found[-1].id if found else "", 500):
        found += page
    return found


def _described(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "at": letter.at.isoformat(),
        "stream": letter.stream,
        "entry": letter.entry,
        "reason": one_line(letter.reason, 4000),
        "topic": letter.event.topic if letter.event else None,
        "event_id": letter.event.id if letter.event else None,
        "bytes": len(letter.envelope),
    }
