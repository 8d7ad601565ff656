"""Checking script files where they lie, storing nothing and without a database: what `check_scripts` prints.

Files are checked as one program: their helpers are the files of the folder `shared` beside them, not what is active somewhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripting.models import SHARED
from scripting.modules.installed import modules
from scripting.registry.checking import check_bundle
from scripting.registry.dependents import World
from scripting.registry.judging import not_text
from scripting.sandbox import source_text
from scripting.sandbox.languages.table import LANGUAGES
from scripting.sources.embedded import embedded_by_script
from scripting.sources.folder import (
    ScriptFile,
    Unusable,
    is_noise,
    open_folder,
    read_bytes,
    scan,
    script_name_of,
    scripts_dir,
)
from scripting.types import Bundle, Diagnostic, ErrorType, Source


@dataclass(frozen=True)
class CheckedFile:
    """One file with what its check found."""

    path: str
    module: str
    name: str
    language: str
    text: str
    diagnostics: tuple[Diagnostic, ...]

    @property
    def ok(self) -> bool:
        return not any(diagnostic.severity == "error" for diagnostic in self.diagnostics)


class NothingToCheck(LookupError):
    """A path holds no script: the message says what scripts are called."""


Read = ScriptFile | Unusable
"""A file that was looked at."""


def check_everything(module: str | None = None, *, live: bool = False) -> list[CheckedFile]:
    """Every embedded default and every file of the scripts folder, of one module or all."""
    defaults = [
        ScriptFile(*key, item.language, relative(item.path), item.content)
        for key, item in sorted(embedded_by_script().items())
    ]
    files = list(scan(scripts_dir()).files.values())
    program = Program(files, live=live)
    return [program.check(file) for file in (*defaults, *files) if module in {None, file.module}]


def check_path(path: Path, module: str | None = None, *, live: bool = False) -> list[CheckedFile]:
    """A file, or every script below a folder. `live`: helpers that no file brings are those of the database. Raises NothingToCheck."""
    if path.is_dir():
        files = [read_file(file, module) for file in _scripts_below(path)]
    elif script_name_of(path.name) is not None:
        files = [read_file(path, module)]
    else:
        suffixes = ", ".join(language.suffix for language in LANGUAGES.values())
        raise NothingToCheck(
            f"{path} is no script: a name of a-z, 0-9 and _ that begins with a letter, then {suffixes}"
        )
    program = Program([*helpers_beside(path), *files], live=live)
    return [program.check(file) for file in files]


class Program:
    """Files with the helpers among them."""

    def __init__(self, files: Iterable[Read], *, live: bool = False) -> None:
        self._world = World() if live else World.empty()
        self._helpers: Mapping[str, Source | None] = {
            f"{SHARED}/{file.name}": source
            for file in files
            if file.module == SHARED and isinstance(file, ScriptFile) and (source := _source(file)) is not None
        }

    def check(self, file: Read) -> CheckedFile:
        """Check a text in a sandbox, as it would run in its module."""
        if isinstance(file, Unusable):
            problem = Diagnostic("error", ErrorType.NOT_FOUND, file.reason)
            return CheckedFile(file.path, file.module, file.name, "", "", (problem,))
        try:
            bundle = self.bundle(file)
        except source_text.NotText as problem:
            shown = file.content.decode("utf-8", "replace")
            return CheckedFile(file.path, file.module, file.name, file.language, shown, (not_text(problem),))
        report = check_bundle(file.module, bundle)
        return CheckedFile(
            file.path, file.module, file.name, file.language, bundle.script.text, tuple(report.diagnostics)
        )

    def bundle(self, file: ScriptFile) -> Bundle:
        """A file with the helpers that it may import. Raises NotText."""
        source = Source(f"{file.module}/{file.name}", file.language, source_text.decode(file.content))
        return self._world.bundle(source, self._helpers)


def _source(file: ScriptFile) -> Source | None:
    try:
        return Source(f"{file.module}/{file.name}", file.language, source_text.decode(file.content))
    except source_text.NotText:
        return None


def helpers_beside(path: Path) -> list[Read]:
    """The helpers of the program that a file or folder belongs to; without any there, those of the scripts folder."""
    folder = path.absolute() if path.is_dir() else path.absolute().parent
    for root in (folder, folder.parent):
        if (root / SHARED).is_dir():
            return [read_file(file, None) for file in _scripts_below(root / SHARED)]
    return [found for found in scan(scripts_dir()).files.values() if found.module == SHARED]


def _scripts_below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):  # does not follow links
        folders[:] = sorted(name for name in folders if not is_noise(name))
        yield from (Path(parent, name) for name in sorted(names) if script_name_of(name) and not is_noise(name))


def read_file(path: Path, module: str | None = None) -> Read:
    """A script's file; its module is that of its folder, unless it is given."""
    named = script_name_of(path.name)
    assert named is not None
    module = module or module_of(path)
    try:
        # The person named the folder, however it is reached; the file itself is not taken through a link.
        with open_folder(path.parent.resolve()) as handle:
            return ScriptFile(module, *named, str(path), read_bytes(handle, path.name))
    except OSError as error:
        return Unusable(module, named[0], str(path), error.strerror or str(error))


def module_of(path: Path) -> str:
    """The module whose script a file would be: by its folder, or by the package that its `scripts/` folder lies in."""
    parents = [parent.name for parent in path.absolute().parents[:2]]
    if parents[:1] == [SHARED] or modules.get(parents[0]) is not None:
        return parents[0]
    if parents[0] == "scripts":
        return next((m.name for m in modules if m.package.rsplit(".", 1)[-1] == parents[-1]), "")
    return ""


def relative(path: str) -> str:
    """The path from where the person is, if it lies below."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path
