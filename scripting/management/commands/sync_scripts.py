"""`sync_scripts`: take embedded defaults and override files into the registry."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from scripting.evidence.gate import weigh_now
from scripting.management.output import ScriptingCommand
from scripting.modules.installed import modules
from scripting.sources import extraction, sync
from scripting.sources.folder import FolderRefused

QUIET = frozenset({"unchanged"})


class Command(ScriptingCommand):
    """Exit code 1 when an embedded default or a file does not pass its check, each time until that is mended."""

    leaves_files = True

    help = "Take embedded defaults and override files into the registry; run it after migrate. Again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--allow-rejected",
            action="store_true",
            help="exit 0 though files of the scripts folder were rejected: what ran before goes on",
        )
        self.add_json(parser)

    def handle(self, *, as_json: bool, verbosity: int, allow_rejected: bool, **options: Any) -> None:
        try:
            steps = sync.sync(weigh=weigh_now)
        except FolderRefused as error:
            self.fail(str(error))
        written = [item for module in modules if module.config.auto_extract for item in auto_extract(module.name)]
        if as_json:
            self.print_json(
                {
                    "ok": not any(step.is_failure for step in steps),
                    "scripts": [
                        {"script": s.script, "source": s.source, "outcome": s.outcome, "detail": s.detail}
                        for s in steps
                    ],
                    "extracted": [{"path": i.path, "outcome": i.outcome, "detail": i.detail} for i in written],
                }
            )
        else:
            for step in steps:
                if verbosity > 1 or step.outcome not in QUIET:
                    self.say(f"{step.script}: {step.outcome}: {step.detail}")
            for item in written:
                if item.outcome == "written" or item.is_failure:
                    self.say(f"{item.path}: {item.outcome} {item.detail}")
            unchanged = sum(step.outcome in QUIET and step.source == "default" for step in steps)
            self.say(f"{sum(step.changed for step in steps)} changed, {unchanged} defaults as they were")
        failed = [step for step in steps if step.is_failure and not (allow_rejected and step.source == "file")]
        if failed:
            self.fail("\n".join(f"{step.script}: {step.detail}" for step in failed))


def auto_extract(module: str) -> list[extraction.Extracted]:
    """The module's defaults on disk, where its configuration asks for it."""
    try:
        return extraction.extract(module=module)
    except extraction.NothingToExtract:
        return []
