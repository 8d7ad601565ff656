"""`receipt_root`: the roots of a day, made if they are due, and published in their file."""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from typing import Any

from django.core.management.base import CommandParser

from scripting import clock
from scripting.management.output import ScriptingCommand
from scripting.models import ReceiptRoot
from scripting.receipts import sharing
from scripting.receipts.roots import document, make_due, root_file


def day_argument(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"write a day such as 2026-11-27, not {text!r}") from None


class Command(ScriptingCommand):
    """Exit code 1 where the day has no root."""

    help = (
        "Print the roots of receipts of a day (UTC), one for each module. Those of yesterday are made if no worker has made them "
        "yet; a root that is made never changes. Keep what it prints where who runs the database cannot write."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--day", type=day_argument, metavar="DAY", help="default: yesterday")
        self.add_json(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        make_due()
        sharing.complete()
        day = options["day"] or clock.now().date() - timedelta(days=1)
        roots = [document(root) for root in ReceiptRoot.objects.filter(day=day).order_by("module")]
        if options["as_json"]:
            self.print_json(roots)
        for root in () if options["as_json"] else roots:
            self.say(f"{root['module']} {root['day']} {root['root']}  {root['receipts']} receipts")
        if not roots:
            over = day < clock.now().date()
            self.fail(
                f"{day} has no root: {'nothing was recorded' if over else 'it is not over'} (published: {root_file()})"
            )
