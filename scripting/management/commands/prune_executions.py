"""`manage.py prune_executions`: what the retention has due, all of it, in small batches; workers do the same at intervals."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from scripting import clock
from scripting.management.output import ScriptingCommand, seconds_argument
from scripting.metrics import trusted_time
from scripting.metrics.retention import prune
from scripting.receipts.sealing import seal
from scripting.storage.database_clock import time_of_database


class Command(ScriptingCommand):
    help = "Empties and deletes executions that are older or more than the SCRIPTING_KEEP_… settings say."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--seconds",
            type=seconds_argument,
            default=86400.0,
            metavar="S",
            help="stop after about so long (default: a day)",
        )

        parser.add_argument(
            "--clock-is-right",
            action="store_true",
            help="delete although the clock went on by days since the last time: the site was off",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["clock_is_right"]:
            trusted_time.believe(time_of_database())
        try:
            done = prune(options["seconds"])
            if done.unsealed:
                seal(clock.now())
                done = done.plus(prune(options["seconds"]))
        except trusted_time.ClockDoubted as doubt:
            raise CommandError(f"{doubt}.") from None
        self.say(
            f"{done.emptied} payloads emptied, {done.deleted} executions deleted, {done.rollups} old rollups, "
            f"{done.errors} errors and {done.receipts} links of receipts deleted."
        )
        if not done.finished:
            self.say("There is more to do: run it again.")
