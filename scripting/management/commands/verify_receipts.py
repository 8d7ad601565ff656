"""`verify_receipts`: whether executions, texts and receipts are still what was recorded."""

from __future__ import annotations

import argparse
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from scripting.management.output import ScriptingCommand, moment_argument
from scripting.receipts.verify import verify, verify_execution


def execution_argument(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"write the id of an execution, not {text!r}") from None


class Command(ScriptingCommand):
    """Exit code 1 where anything does not fit."""

    help = (
        "Verify receipts: the chains of links, every execution against its receipt, all texts against their digests, and the "
        "published roots. With an execution: that one alone, and it is run again on all that it saw, where that is still kept."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("execution", nargs="?", type=execution_argument, metavar="EXECUTION")
        parser.add_argument("--since", type=moment_argument, metavar="MOMENT", help="default: the oldest receipt")
        parser.add_argument("--until", type=moment_argument, metavar="MOMENT", help="default: now")
        self.add_json(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        execution, since, until = options["execution"], options["since"], options["until"]
        if since and until and since >= until:
            self.misused(
                f"nothing lies between {since.isoformat()} and {until.isoformat()}: --since is the earlier one"
            )
        report = verify_execution(execution) if execution else verify(since, until)
        if options["as_json"]:
            self.print_json(
                {
                    "holds": report.holds,
                    "looked_at": dict(report.looked),
                    "findings": [{"where": each.where, "what": each.what} for each in report.findings],
                    "more_findings": report.left_out,
                    "notes": report.notes,
                }
            )
        else:
            self.say(
                ", ".join(f"{count} {what}" for what, count in report.looked.items()) or "There is nothing to verify."
            )
            for text in (*report.notes, *report.findings):
                self.say(str(text))
            if report.left_out:
                self.say(f"{report.left_out} more findings")
            if report.holds and report.looked:
                self.say("All of it is as it was recorded.")
        if not report.holds:
            self.fail(
                f"{len(report.findings) + report.left_out} findings: what is named above is not as it was recorded"
            )
