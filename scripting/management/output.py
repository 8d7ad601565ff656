"""Shared output of our commands: exit codes, one JSON document, tables and excerpts with all script text escaped."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NoReturn

import redis
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from django.utils.dateparse import parse_datetime

from scripting.checks import ENGINE
from scripting.management.stores import about_database, about_file, about_redis
from scripting.models import SHARED, Activation, Script, ScriptVersion
from scripting.modules.faults import fault_of
from scripting.modules.installed import modules
from scripting.registry import reach
from scripting.registry.moves import AlreadyActive, AtGate
from scripting.sandbox import source_text
from scripting.sandbox.languages.table import LANGUAGES, language_for_suffix
from scripting.sources.beside import file_beside
from scripting.sources.folder import MAX_FILE_BYTES, is_module_name
from scripting.supervisor.asked_to_end import quietly, tidily
from scripting.supervisor.errors import SupervisorError
from scripting.texts.escaping import one_line, visible
from scripting.texts.plain_json import from_json, jsonable
from scripting.types import Diagnostic, ScriptError

FAILED = 1
"""The script or the check failed."""
USAGE = 2
SURROGATE = re.compile("[\ud800-\udfff]")
"""Python's stand-in for a byte of the command line that is no UTF-8."""
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_NUMBER = 18
"""Digits that a version's number has at the most."""


class ScriptingCommand(BaseCommand):
    """A command that parses its arguments, asks another layer, and prints what came of it.

    Where that takes Redis, the database or a file, and one of them is unavailable, it fails with what to do about it. Where the code of
    a game module has a mistake, it says which.
    """

    requires_system_checks: list[str] | tuple[str, ...] | Literal["__all__"] = (ENGINE,)

    leaves_files = False
    """Whether it writes files: asked to end (SIGTERM), it takes those away that are half written."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        self._require_text(options)
        try:
            with quietly(), tidily() if self.leaves_files else contextlib.nullcontext():
                return super().execute(*args, **options)
        except redis.RedisError as error:
            self.fail(about_redis(error))
        except Error as error:
            if told := about_database(error):
                self.fail(told)
            self._blame(error)
            raise
        except (CommandError, SystemExit):
            raise
        except SupervisorError as error:
            self.fail(str(error))
        except Exception as error:
            self._blame(error)
            if isinstance(error, OSError) and (told := about_file(error)):
                self.fail(told)
            raise

    def _blame(self, error: Exception) -> None:
        """Fail for a mistake in the code of a game module, whose developers find it by what is said."""
        if fault := fault_of(error):
            self.fail(f"{one_line(str(fault), 2000)}; --traceback shows the way there")

    def _require_text(self, options: dict[str, Any]) -> None:
        """Refuse bytes of the command line that are no UTF-8, as of a terminal with another encoding: no store holds them."""
        for value in options.values():
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str) and SURROGATE.search(text):
                    self.misused(f"{one_line(text, 80)} is not UTF-8: set the terminal to it, then write that again")

    def add_json(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON document")

    def add_override(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--override",
            metavar="REASON",
            default="",
            help="make it live although the gate is closed, and say why; with --user that person must have scripting.override_gate",
        )

    def at_gate(self, override: str) -> AtGate:
        """Who may run commands here may change the database, and so pass the gate too: it is recorded."""
        return AtGate(override, wants_advice=True)

    def tell_evidence(self, *activations: Activation) -> None:
        """Say, on stderr, what was known of a change when it went live, and what the gate made of it."""
        for activation in activations:
            for evidence in activation.evidence.all():
                self.stderr.write(f"{evidence.script}: {evidence.in_words}")
            if activation.override:
                self.stderr.write(f"{activation.script}: the gate was overridden")

    def print_json(self, document: Any) -> None:
        """Escaped to ASCII, so that no text of a script acts on a terminal."""
        self.stdout.write(json.dumps(jsonable(document), indent=2))

    def write_also(self, option: str, path: Path, content: bytes) -> None:
        """Write the file that an option names, once all else is said: what took long to find is not lost with it."""
        try:
            path.write_bytes(content)
        except OSError as error:
            self.misused(f"{option}: {error}")

    def say(self, text: str = "") -> None:
        """Text of ours and of scripts, with control and bidirectional characters shown as such."""
        self.stdout.write(visible(text))

    def print_table(self, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Columns as wide as they need; the last one is not padded."""
        cells = [list(headings), *([one_line(str(cell), 120) for cell in row] for row in rows)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
        for index, row in enumerate(cells):
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            self.stdout.write(self.style.MIGRATE_HEADING(line) if index == 0 else line)

    def tell_active(
        self, script: Script, version: ScriptVersion | None, already: AlreadyActive | None = None, *, as_json: bool
    ) -> None:
        """Which version of a script runs after it was published or rolled back; `already`: it did before."""
        assert version is not None
        if as_json:
            found = {"script": str(script), "version": version.number, "digest": version.sha256}
            self.print_json({**found, "changed": already is None})
        elif already is not None:
            self.say(f"{script}: {already}")
        else:
            self.say(f"{script} runs v{version.number} now ({version.sha256[:12]})")
        if already is None:
            self.tell_unheard(script)
            self.tell_of_file(script)

    def tell_unheard(self, script: Script) -> None:
        """Say, on stderr, that nothing runs the script, if nothing does."""
        if why := reach.unheard(script):
            self.stderr.write(f"{script}: {why}")

    def tell_of_file(self, script: Script) -> None:
        """Say, on stderr, that the script's file holds another text than what runs now, if it does."""
        version = script.active_version
        beside = file_beside(script, version.language, bytes(version.content)) if version else None
        if beside is not None:
            write = f"manage.py extract_scripts --script {script} --active --force"
            self.stderr.write(one_line(f"{beside}; `{write}` writes what runs now into it"))

    def fail(self, message: str) -> NoReturn:
        raise CommandError(visible(message), returncode=FAILED)

    def misused(self, message: str) -> NoReturn:
        raise CommandError(visible(message), returncode=USAGE)

    def require_module(self, name: str) -> None:
        if name != SHARED and modules.get(name) is None:
            self.misused(f"there is no module {name} (modules: {', '.join(m.name for m in modules) or 'none'})")


# -- arguments ---------------------------------------------------------------------------------------------------------


def script_argument(text: str) -> tuple[str, str]:
    """The argument MODULE/NAME."""
    module, _, name = text.partition("/")
    if not (is_module_name(module) and is_module_name(name)):
        raise argparse.ArgumentTypeError(f"write MODULE/NAME, such as my_game/damage, not {one_line(text, 80)!r}")
    return module, name


def version_argument(text: str) -> int:
    """A version's number, with or without the v that pages write before it."""
    if not (number := text.removeprefix("v")).isdecimal() or len(number) > LONGEST_NUMBER:
        raise argparse.ArgumentTypeError(f"write a version's number, such as 3 or v3, not {one_line(text, 40)!r}")
    return int(number)


def moment_argument(text: str) -> datetime:
    """A moment such as 2026-11-27T20:00+01:00; without a zone, UTC."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise argparse.ArgumentTypeError(f"write a moment such as 2026-11-27T20:00+01:00, not {text!r}")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment < EARLIEST:
        raise argparse.ArgumentTypeError(f"write a moment since 1970, not {text!r}")
    return moment


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """A parser of an argument that is a number from `least` to `most`."""

    def parse(text: str) -> int:
        if not text.isdecimal() or len(text) > LONGEST_NUMBER or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"write a number from {least} to {most}, not {one_line(text, 40)!r}")
        return int(text)

    return parse


def seconds_argument(text: str) -> float:
    """How long something may take."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"write seconds, 0 or more, such as 2.5, not {one_line(text, 40)!r}")
    return seconds


def json_argument(text: str) -> Any:
    """JSON, or @FILE for JSON in a file; bytes and odd floats are written as `jsonable` writes them."""
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise argparse.ArgumentTypeError(f"{text[1:]}: {error}") from None
    try:
        return json.loads(text, object_hook=from_json)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"no JSON: {error}") from None


def json_object_argument(text: str) -> dict[str, Any]:
    value = json_argument(text)
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError('write a JSON object, such as {"attacker": {"attack": 5}}')
    return value


def file_argument(text: str) -> Path:
    path = Path(text)
    try:
        if path.exists():
            return path
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{one_line(text, 200)}: {error.strerror}") from None
    raise argparse.ArgumentTypeError(f"there is no file {one_line(text, 200)}")


@dataclass(frozen=True)
class SourceFile:
    """The text that an argument `--source FILE` names."""

    path: str
    text: str

    def language(self, chosen: str | None) -> str:
        """`chosen`, else by the file's suffix. Raises CommandError with the exit code of misuse."""
        if chosen is not None:
            if chosen not in LANGUAGES:
                raise CommandError(
                    f"there is no language {visible(chosen)} (known: {', '.join(LANGUAGES)})", returncode=USAGE
                )
            return chosen
        known = language_for_suffix(Path(self.path).suffix)
        return known.name if known else next(iter(LANGUAGES))


def source_argument(text: str) -> SourceFile:
    """A file's text, or that of the standard input for `-`. What is not UTF-8 goes on as such, for its check to refuse."""
    try:
        content = sys.stdin.buffer.read(MAX_FILE_BYTES + 1) if text == "-" else _bounded(Path(text))
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{one_line(text, 200)}: {error.strerror or error}") from None
    if len(content) > MAX_FILE_BYTES:
        raise argparse.ArgumentTypeError(f"{one_line(text, 200)} is longer than {MAX_FILE_BYTES} bytes")
    return SourceFile("<stdin>" if text == "-" else text, source_text.read_any(content))


def _bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


# -- errors ------------------------------------------------------------------------------------------------------------


def excerpt(line: str, column: int | None) -> str:
    """A line of source with a caret below the column (1-based). Tabs become blanks so that the caret stands right."""
    head = visible(line[: (column or 1) - 1].replace("\t", "    "))
    text = one_line(line.replace("\t", "    "), 200)
    return f"    {text}\n    {' ' * len(head)}^" if column is not None else f"    {text}"


def describe(error: ScriptError) -> str:
    """An error with its place, its line and what to do (requirement 7.4)."""
    parts = [one_line(str(error), 2000)]
    if error.excerpt:
        parts.append(excerpt(error.excerpt, error.column))
    if error.hint:
        parts.append(f"    hint: {error.hint}")
    return "\n".join(parts)


def compiler_line(path: str, diagnostic: Diagnostic) -> str:
    """`path:line:col: error: message`, as compilers write it and editors read it."""
    hint = f" ({diagnostic.hint})" if diagnostic.hint else ""
    kind = diagnostic.type.value
    place = f"{one_line(path)}:{diagnostic.line or 1}:{diagnostic.column or 1}"
    words = f"will fail: {diagnostic.message}" if diagnostic.certain else diagnostic.message
    return f"{place}: {diagnostic.severity}: {one_line(words + hint, 1000)} [{kind}]"


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """As they stand in the text."""
    return sorted(diagnostics, key=lambda diagnostic: (diagnostic.line or 0, diagnostic.column or 0))


def diagnostic_json(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "severity": diagnostic.severity,
        "type": diagnostic.type.value,
        "message": diagnostic.message,
        "line": diagnostic.line,
        "column": diagnostic.column,
        "hint": diagnostic.hint,
        "certain": diagnostic.certain,
    }
