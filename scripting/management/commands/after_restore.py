"""`after_restore`: what a restored database does not know, before its site is opened."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from scripting.management.output import ScriptingCommand, whole_number
from scripting.transfer import restored

MOST_LEFT_OUT = 1_000_000
"""A number of a version has nine digits at the most: what leaps too far can never be taken back."""


class Command(ScriptingCommand):
    """Changes nothing without --leap."""

    help = (
        "Compare a database that was restored from a backup with Redis and with the file of roots: numbers of versions that were given "
        "since and are not given again, events that wait, and what is lost. See docs/backup.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--leap",
            type=whole_number(0, MOST_LEFT_OUT),
            default=0,
            metavar="N",
            help="leave out the next N numbers of every script and topic: where Redis was restored or emptied too",
        )
        self.add_json(parser)

    def handle(self, *_args: Any, leap: int, as_json: bool, **_options: Any) -> None:
        if leap:
            restored.leap(leap)
        report = restored.look()
        if as_json:
            moments = {
                name: at and at.isoformat() for name, at in vars(report).items() if name.endswith(("_at", "_waiting"))
            }
            self.print_json({**asdict(report), **moments})
            return
        ends = f"{report.ends_at:%Y-%m-%d %H:%M:%S} UTC" if report.ends_at else "no execution"
        self.say(f"The database ends at: {ends}")
        for line in report.lost:
            self.say(f"not in the database: {line}")
        since = f", the first since {report.first_waiting:%Y-%m-%d %H:%M:%S} UTC" if report.first_waiting else ""
        self.say(
            f"{report.waiting} events wait in Redis{since}; {report.recorded} of them are recorded already and take effect once"
        )
        self.say(f"{report.outbox} follow-up events wait in the database; {report.dead_letters} dead letters")
        self.say(
            "What was accepted after that end and had run is in neither store: publish it again under the same ids."
        )
