"""Checking script files where they lie, storing nothing: what `check_scripts` prints."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripting.models import SHARED
from scripting.modules.installed import modules
from scripting.registry import judging, publishing
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
from scripting.types import Diagnostic, ErrorType


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


def check_everything(module: str | None = None) -> list[CheckedFile]:
    """Every embedded default and every file of the scripts folder, of one module or all."""
    checked = [
        check_content(relative(item.path), *key, item.language, item.content)
        for key, item in sorted(embedded_by_script().items())
        if module in {None, item.module}
    ]
    for found in scan(scripts_dir()).files.values():
        if module not in {None, found.module}:
            continue
        match found:
            case ScriptFile():
                checked.append(check_content(found.path, found.module, found.name, found.language, found.content))
            case Unusable():
                checked.append(_unread(found.path, found.module, found.name, found.reason))
    return checked


def check_path(path: Path, module: str | None = None) -> list[CheckedFile]:
    """A file, or every script below a folder. Raises NothingToCheck."""
    if path.is_dir():
        return [_check_file(file, module) for file in _scripts_below(path)]
    if script_name_of(path.name) is None:
        suffixes = ", ".join(language.suffix for language in LANGUAGES.values())
        raise NothingToCheck(
            f"{path} is no script: a name of a-z, 0-9 and _ that begins with a letter, then {suffixes}"
        )
    return [_check_file(path, module)]


def _scripts_below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):  # does not follow links
        folders[:] = sorted(name for name in folders if not is_noise(name))
        yield from (Path(parent, name) for name in sorted(names) if script_name_of(name) and not is_noise(name))


def _check_file(path: Path, module: str | None) -> CheckedFile:
    named = script_name_of(path.name)
    assert named is not None
    module = module or module_of(path)
    try:
        # The person named the folder, however it is reached; the file itself is not taken through a link.
        with open_folder(path.parent.resolve()) as handle:
            content = read_bytes(handle, path.name)
    except OSError as error:
        return _unread(str(path), module, named[0], error.strerror or str(error))
    return check_content(str(path), module, *named, content)


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


def check_content(path: str, module: str, name: str, language: str, content: bytes) -> CheckedFile:
    """Check a text in a sandbox, as it would run in `module`."""
    try:
        text = source_text.decode(content)
    except source_text.NotText as problem:
        shown = content.decode("utf-8", "replace")
        return CheckedFile(path, module, name, language, shown, (judging.not_text(problem),))
    report = publishing.check(module, name, language, text)
    return CheckedFile(path, module, name, language, text, tuple(report.diagnostics))


def _unread(path: str, module: str, name: str, reason: str) -> CheckedFile:
    return CheckedFile(path, module, name, "", "", (Diagnostic("error", ErrorType.NOT_FOUND, reason),))
