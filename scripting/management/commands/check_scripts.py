"""`check_scripts`: compile scripts without running them, and say what is wrong as compilers do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.core.management.base import CommandParser

from scripting.management.output import (
    ScriptingCommand,
    compiler_line,
    diagnostic_json,
    excerpt,
    file_argument,
    in_order,
)
from scripting.sources.file_checks import CheckedFile, NothingToCheck, check_everything, check_path


class Command(ScriptingCommand):
    """Exit code 1 when a script has an error; warnings are printed and pass, unless --strict. Uses no database, unless --live."""

    help = (
        "Check script files or folders, each folder as a program with the helpers in its shared/; "
        "without a path every embedded default and every file of the scripts folder."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="*", type=file_argument, metavar="PATH")
        parser.add_argument(
            "--module", metavar="M", help="whose functions the scripts may call; default: their folder's"
        )
        parser.add_argument("--strict", action="store_true", help="warnings are errors")
        parser.add_argument(
            "--live", action="store_true", help="helpers that no file brings are those that are active in the database"
        )
        self.add_json(parser)

    def handle(self, *, as_json: bool, **options: Any) -> None:
        module = options["module"]
        if module:
            self.require_module(module)
        try:
            checked = self._checked(options["paths"], module, live=options["live"])
        except NothingToCheck as error:
            self.misused(str(error))
        if options["strict"]:
            checked = [strict(file) for file in checked]
        broken = [file for file in checked if not file.ok]
        if as_json:
            self.print_json({"ok": not broken, "files": [_described(file) for file in checked]})
        else:
            for file in checked:
                self._print(file)
            self.say(f"{len(checked)} checked, {len(broken)} with errors")
        if broken:
            self.fail(f"{len(broken)} of {len(checked)} scripts would not be accepted")

    def _checked(self, paths: list[Any], module: str | None, *, live: bool) -> list[CheckedFile]:
        if not paths:
            return check_everything(module, live=live)
        return [file for path in paths for file in check_path(path, module, live=live)]

    def _print(self, file: CheckedFile) -> None:
        lines = file.text.split("\n")
        for diagnostic in in_order(file.diagnostics):
            self.stdout.write(compiler_line(file.path, diagnostic))
            if diagnostic.line is not None and 0 < diagnostic.line <= len(lines):
                self.stdout.write(excerpt(lines[diagnostic.line - 1].rstrip("\r"), diagnostic.column))


def strict(file: CheckedFile) -> CheckedFile:
    """The file with its warnings as errors."""
    return replace(
        file, diagnostics=tuple(replace(found, severity="error", certain=False) for found in file.diagnostics)
    )


def _described(file: CheckedFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "module": file.module,
        "name": file.name,
        "language": file.language,
        "ok": file.ok,
        "diagnostics": [diagnostic_json(diagnostic) for diagnostic in in_order(file.diagnostics)],
    }
