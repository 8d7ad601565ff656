"""Cases as files, `scripts/<module>/cases/<script>/<name>.json`, read without ever following a symbolic link."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from scripting.modules.installed import modules
from scripting.sources import open_files
from scripting.sources.folder import (
    CASES,
    BeingWritten,
    Looked,
    Remark,
    Unusable,
    enter,
    entries,
    is_module_name,
    is_noise,
    open_folder,
    read_bytes,
)
from scripting.texts.escaping import one_line

SUFFIX = ".json"

CaseKey = tuple[str, str, str]
"""(module, script, case)."""


@dataclass(frozen=True)
class CaseFile:
    """A file that holds the text of a case."""

    module: str
    script: str
    name: str
    path: str
    content: bytes

    @property
    def key(self) -> CaseKey:
        return self.module, self.script, self.name

    @property
    def digest(self) -> str:
        """sha256 (hex) of its bytes."""
        return hashlib.sha256(self.content).hexdigest()


CaseFound = CaseFile | Unusable
"""A file in the place of a case; of one that cannot be read the `name` is script/case."""


class CaseScan(Looked[CaseKey, CaseFound]):
    """Files of cases, by their keys."""


def scan_cases(root: Path) -> CaseScan:
    """Every case below the scripts folder. A folder that is not there is an empty one; raises FolderRefused."""
    result = CaseScan()
    try:
        with open_folder(root) as handle:
            for module in filter(is_module_name, entries(handle, root.name, result, ())):
                _scan_module(handle, module, root.name, result)
    except FileNotFoundError:
        pass
    result.remarks = [remark for remark in result.remarks if remark.path != root.name]  # `scan` has it
    return result


def _scan_module(root: int, module: str, shown: str, result: CaseScan) -> None:
    inside = (module,)
    for folder, handle in _folders(root, [module, CASES], f"{shown}/{module}/{CASES}", result, inside, silent=True):
        for script in entries(handle, folder, result, inside):
            if not is_module_name(script):
                result.remarks.append(
                    Remark(one_line(f"{folder}/{script}"), "is no script's name: cases lie in cases/<script>/")
                )
                continue
            for path, inner in _folders(handle, [script], f"{folder}/{script}", result, (module, script)):
                for name in entries(inner, path, result, (module, script)):
                    _take(inner, (module, script), name, path, result)


def _folders(
    handle: int, names: list[str], shown: str, result: CaseScan, inside: tuple[str, ...], *, silent: bool = False
) -> Iterator[tuple[str, int]]:
    """The folder that these names lead to, opened, if it is one; else a remark, or nothing where it need not be there."""
    opened: list[int] = []
    try:
        try:
            for name in names:
                handle = enter(handle, name)
                opened.append(handle)
        except OSError as error:
            if error.errno != errno.ENOENT:
                result.unread.add(inside)
            if not (silent and (error.errno == errno.ENOENT or len(opened) < len(names) - 1)):
                result.remarks.append(
                    Remark(
                        one_line(shown),
                        "is no folder that can be read: links are not followed; what was taken from it stays",
                    )
                )
            return
        yield one_line(shown), handle
    finally:
        for each in reversed(opened):
            os.close(each)


def _take(handle: int, script: tuple[str, str], name: str, folder: str, result: CaseScan) -> None:
    path = one_line(f"{folder}/{name}")
    case = case_name_of(name)
    if case is None:
        result.remarks.append(
            Remark(path, f"is no case: a name of a–z, 0–9 and _ that begins with a letter, then {SUFFIX}")
        )
        return
    found = read_case(handle, name, (*script, case), path)
    if found is not None:
        result.files[*script, case] = found


def read_case(handle: int, name: str, key: CaseKey, path: str) -> CaseFound | None:
    """One file of the open folder; None where it is gone."""
    module, script, case = key
    try:
        return CaseFile(module, script, case, path, read_bytes(handle, name))
    except FileNotFoundError:
        return None
    except open_files.StillWritten as error:
        return BeingWritten(module, f"{script}/{case}", path, str(error.strerror))
    except OSError as error:
        reason = "is empty: write the case, or delete the file" if error.errno == errno.ENODATA else error.strerror
        return Unusable(module, f"{script}/{case}", path, reason or str(error))


def case_name_of(file_name: str) -> str | None:
    """The case that a file of this name holds, or None when it is no case's file."""
    stem, suffix = os.path.splitext(file_name)  # noqa: PTH122 - no path, a name in an open folder
    return stem if suffix == SUFFIX and is_module_name(stem) else None


def embedded_cases() -> dict[CaseKey, CaseFile]:
    """The cases that modules ship beside their default scripts: `<package>/scripts/cases/<script>/<name>.json`."""
    found: dict[CaseKey, CaseFile] = {}
    for module in modules:
        folder = resources.files(module.package).joinpath("scripts", CASES)
        if not folder.is_dir():
            continue
        for script in folder.iterdir():
            if is_noise(script.name) or not (is_module_name(script.name) and script.is_dir()):
                continue
            for entry in script.iterdir():
                case = case_name_of(entry.name)
                if case is not None and entry.is_file():
                    key = module.name, script.name, case
                    found[key] = CaseFile(*key, str(entry), entry.read_bytes())
    return dict(sorted(found.items()))
