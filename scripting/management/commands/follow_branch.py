"""`follow_branch`: look at the followed branch once, make its newest commit live, push what was published here."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from scripting.git import following
from scripting.management.output import ScriptingCommand


class Command(ScriptingCommand):
    """Exit code 1 where the newest commit is not live, or the repository could not be used."""

    leaves_files = True

    help = (
        "Look at the branch of SCRIPTING_GIT_URL once: make its newest commit live, and push what was published in the browser to "
        "SCRIPTING_GIT_PUSH_BRANCH. Evidence workers do this every SCRIPTING_GIT_POLL_SECONDS; without one, run it by cron."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_json(parser)

    def handle(self, *_args: Any, as_json: bool, **_options: Any) -> None:
        try:
            found = following.follow()
        except following.NotFollowing as wrong:
            self.misused(str(wrong))
        except following.Busy as busy:
            self.fail(str(busy))
        branch = found.branch
        problem = branch.problem or branch.waits
        if as_json:
            self.print_json(
                {
                    "head": branch.head,
                    "live": branch.live,
                    "made_live": list(found.made_live),
                    "drift": list(found.drift),
                    "waits": branch.waits,
                    "pushed": found.pushed,
                    "problem": branch.problem,
                    "push_problem": branch.push_problem,
                }
            )
        else:
            for label in found.made_live:
                self.say(f"{label}: live as in {branch.head[:12]}")
            self.say(
                f"live: {branch.live[:12] or 'nothing'}; newest: {branch.head[:12] or 'unknown'}; pushed: {found.pushed}"
            )
        if branch.push_problem:
            self.stderr.write(f"not pushed: {branch.push_problem}")
        if problem:
            self.fail(problem)
