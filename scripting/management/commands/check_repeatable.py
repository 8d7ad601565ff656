"""`check_repeatable`: make recorded decisions of the live versions again, which must come out the same; for a daily timer."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from scripting.evidence import corpus as corpora
from scripting.evidence import repeatable
from scripting.management.output import ScriptingCommand, script_argument, whole_number
from scripting.models import SHARED, RepeatCheck, Script
from scripting.supervisor.errors import SupervisorError

LAST = 10_000


class Command(ScriptingCommand):
    """Exit code 1 when a decision comes out otherwise than recorded: then a run cannot be repeated, which is a fault of ours."""

    help = (
        "Make the newest recorded decisions of every script again by the version that made them. All must come out the same; a "
        "difference is logged, shown on the dashboard, and exits with 1. Run it daily."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("scripts", nargs="*", type=script_argument, metavar="MODULE/NAME", help="default: all")
        parser.add_argument(
            "--last",
            type=whole_number(1, corpora.MOST),
            default=LAST,
            metavar="N",
            help=f"newest decisions of each script ({LAST})",
        )
        self.add_json(parser)

    def handle(self, *_args: Any, scripts: list[tuple[str, str]], as_json: bool, last: int, **_options: Any) -> None:
        known = {(each.module, each.name): each for each in Script.objects.in_use().select_related("active_version")}
        for module, name in scripts:
            if (module, name) not in known:
                self.misused(f"there is no script {module}/{name}")
        chosen = [known[key] for key in scripts or known if key[0] != SHARED]
        try:
            checked = [each for script in chosen if (each := repeatable.check(script, last)) is not None]
        except SupervisorError as error:
            self.fail(f"no sandbox could be started: {error}")
        if as_json:
            self.print_json([described(each) for each in checked])
        else:
            self.print_table(
                ("script", "decisions", "different", "what"),
                [(str(each.script), str(each.events), str(each.different), each.what) for each in checked],
            )
        if wrong := [each for each in checked if each.different]:
            self.fail(f"{repeatable.ALARM}: {', '.join(map(str, wrong))}")


def described(check: RepeatCheck) -> dict[str, Any]:
    return {
        "script": str(check.script),
        "events": check.events,
        "not_replayable": check.not_replayable,
        "different": check.different,
        "what": check.what,
        "execution": str(check.example_id) if check.example_id else None,
    }
