"""`export_site`: scripts with all that belongs to them, into one file that another site imports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from scripting.management.output import ScriptingCommand
from scripting.transfer import archive, exporting
from scripting.transfer.records import KINDS


class Command(ScriptingCommand):
    leaves_files = True
    help = "Write scripts, versions, values of knobs, cases, subscriptions and schedules into FILE (a zip), for import_site."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        self.add_json(parser)

    def handle(self, *_args: Any, file: Path, as_json: bool, **_options: Any) -> None:
        if file.is_dir():
            self.misused(f"{file} is a folder: name the file to write")
        site = exporting.site()
        try:
            archive.write(file, site)
        except OSError as error:
            self.fail(f"{file} cannot be written: {error.strerror or error}")
        counts = {name: len(getattr(site, name)) for name in KINDS}
        if as_json:
            self.print_json({"file": str(file), **counts})
        else:
            self.say(f"{file}: {', '.join(f'{count} {name}' for name, count in counts.items())}")
