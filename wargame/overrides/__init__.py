"""The rules of the wargame written in other languages, and how to take them into use: as files that override the defaults.

A file that somebody has changed is neither replaced nor deleted.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from scripting.sandbox.languages.table import LANGUAGES
from scripting.sources.folder import open_folder, present, read_bytes, scripts_dir, write_bytes

_HERE = Path(__file__).parent
DEFAULT = "python"
"""The language of the defaults themselves: there is nothing to override then."""


@dataclass(frozen=True)
class Step:
    """Result for one file: `written`, `same`, `deleted`, or `kept` because it is somebody else's."""

    path: str
    outcome: str


def languages() -> list[str]:
    """The languages that the rules are written in."""
    return [DEFAULT, *sorted(folder.name for folder in _HERE.iterdir() if folder.name in LANGUAGES)]


def switch(language: str) -> list[Step]:
    """Let the rules in this language override the defaults; for Python delete what did. Raises OSError (FolderRefused)."""
    steps: list[Step] = []
    with open_folder(scripts_dir() / "wargame", make=True) as handle:
        for other in languages()[1:]:
            for source in sorted((_HERE / other).glob(f"*{LANGUAGES[other].suffix}")):
                path = f"wargame/{source.name}"
                content = source.read_bytes()
                kind = present(handle, source.name)
                is_ours = kind == "file" and read_bytes(handle, source.name) == content
                if other == language:
                    if not kind:
                        write_bytes(handle, source.name, content, replace=False)
                    steps.append(Step(path, "same" if is_ours else "kept" if kind else "written"))
                elif kind:
                    if is_ours:
                        os.unlink(source.name, dir_fd=handle)
                    steps.append(Step(path, "deleted" if is_ours else "kept"))
    return steps
