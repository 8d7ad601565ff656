"""`import_site`: take what another site exported, all of it or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from scripting.management.commands.publish_script import author
from scripting.management.output import ScriptingCommand, file_argument
from scripting.transfer import archive, importing
from scripting.transfer.archive import ArchiveRefused


class Command(ScriptingCommand):
    """Exit code 1 where the file is refused; then nothing was changed."""

    help = (
        "Take in the scripts, versions, values of knobs, cases, subscriptions and schedules of FILE, which export_site wrote. "
        "Nothing that is here is overwritten, and nothing goes live without --live."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=file_argument, metavar="FILE")
        parser.add_argument("-m", "--message", required=True, help="why; shown in the history for good")
        parser.add_argument("--dry-run", action="store_true", help="say what it would do, and do nothing")
        parser.add_argument(
            "--live",
            action="store_true",
            help="make live what was live there, and take its cases and schedules over those of the same name here",
        )
        parser.add_argument("--user", metavar="NAME", help="who imports, by the name that they log in with")
        self.add_override(parser)
        self.add_json(parser)

    def handle(self, *_args: Any, file: Path, message: str, as_json: bool, **options: Any) -> None:
        if not message.strip():
            self.misused("say why: the message is shown in the history for good")
        how: dict[str, Any] = {"live": options["live"], "dry_run": options["dry_run"]}
        how["at_gate"] = self.at_gate(options["override"])
        try:
            report = importing.take(
                archive.read(file), actor=author(self, options["user"]), reason=message.strip(), **how
            )
        except (ArchiveRefused, OSError) as refused:
            self.fail(f"nothing is imported: {refused}")
        if as_json:
            self.print_json({"done": report.done, "left": report.left, "same": report.same, "dry_run": how["dry_run"]})
            return
        for line in report.done:
            self.say(line)
        for line in report.left:
            self.say(f"left as it is: {line}")
        would = "; nothing is imported: this was a dry run" if how["dry_run"] else ""
        self.say(f"{len(report.done)} changes, {report.same} here already, {len(report.left)} left{would}")
