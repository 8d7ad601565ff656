"""`extract_scripts`: write scripts to disk, to be edited there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from scripting.management.output import ScriptingCommand, script_argument
from scripting.models import Script
from scripting.sources.extraction import NothingToExtract, extract, extract_cases


class Command(ScriptingCommand):
    """Exit code 1 when a file could not be written."""

    leaves_files = True

    help = (
        "Write the embedded defaults, or cases, to scripts/<module>/. An existing file is kept unless --force is given."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=Path, metavar="DIR", help="another folder; <module>/ is made in it")
        parser.add_argument("--module", metavar="M", help="the scripts of one module alone")
        parser.add_argument(
            "--script",
            type=script_argument,
            action="append",
            metavar="MODULE/NAME",
            help="this script alone; repeatable",
        )
        parser.add_argument("--force", action="store_true", help="overwrite files that exist")
        parser.add_argument("--active", action="store_true", help="write what runs now instead of the defaults")
        parser.add_argument(
            "--cases",
            action="store_true",
            help="write the scripts' cases, to <module>/cases/<script>/, instead of their texts",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would be written")
        self.add_json(parser)

    def handle(self, *, as_json: bool, dry_run: bool, **options: Any) -> None:
        chosen = {name: options[name] for name in ("to", "module", "force")}
        if options["cases"] and options["active"]:
            self.misused("give one of --cases and --active")
        scripts = None
        if options["script"]:
            scripts = [script for key in options["script"] for script in Script.objects.in_use().named(*key)]
        try:
            if options["cases"]:
                report = extract_cases(**chosen, scripts=scripts, dry_run=dry_run)
            else:
                report = extract(**chosen, active=options["active"], scripts=scripts, dry_run=dry_run)
        except NothingToExtract as error:
            self.misused(str(error))
        failed = [item for item in report if item.is_failure]
        if as_json:
            files = [{"path": item.path, "outcome": item.outcome, "detail": item.detail} for item in report]
            self.print_json({"ok": not failed, "dry_run": dry_run, "files": files})
        else:
            for item in report:
                would = "would be " if dry_run and item.outcome in {"written", "overwritten"} else ""
                self.say(f"{item.path}: {would}{item.outcome}" + (f": {item.detail}" if item.detail else ""))
        if failed:
            self.fail(f"{len(failed)} of {len(report)} files could not be written")
