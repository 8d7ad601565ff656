"""`manage.py prune_executions`: what the retention has due, all of it, in small batches; workers do the same at intervals."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from scripting.management.output import ScriptingCommand, seconds_argument
from scripting.metrics.retention import prune


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

    def handle(self, *_args: Any, **options: Any) -> None:
        done = prune(options["seconds"])
        self.say(
            f"{done.emptied} payloads emptied, {done.deleted} executions deleted, {done.rollups} old rollups, "
            f"{done.errors} errors and {done.receipts} links of receipts deleted."
        )
        if not done.finished:
            self.say("There is more to do: run it again.")
