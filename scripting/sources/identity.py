"""Which scripts folder this is: hosts that share one read the same name in it, copies of one have names of their own."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from scripting.processes import place
from scripting.sources.folder import FolderRefused, open_folder, read_bytes, write_bytes

MARK = ".folder"
"""The file in the folder that holds its name and the number of the folder on its file system, which no copy has."""


def number_of(root: Path) -> int:
    """The folder's number on its file system; 0 where there is no folder."""
    try:
        return root.stat().st_ino
    except OSError:
        return 0


def identity_of(root: Path, *, known: str = "", write: bool = True) -> str:
    """The folder's name, written into it where it has none; empty where there is no folder. `known`: the name to write.

    Without `write` one that has no name has the known one: it may be about to be deleted, which a new file in it would prevent.
    A folder that cannot be written to is told by its host, path and number.
    """
    try:
        with open_folder(root) as handle:
            number = os.fstat(handle).st_ino
            name = _read(handle, number)
            if name or not write:
                return name or known
            with contextlib.suppress(OSError):
                write_bytes(handle, MARK, f"{known or secrets.token_hex(16)} {number}\n".encode(), replace=True)
                # Of two processes that name a new folder at once the later one counts.
                return _read(handle, number) or _told(root, number)
            return _told(root, number)
    except (FileNotFoundError, FolderRefused):
        return ""


def _read(handle: int, number: int) -> str:
    """The name in the mark; empty where there is none, or where it was copied from another folder."""
    try:
        words = read_bytes(handle, MARK).decode("ascii", "replace").split()
    except OSError:
        return ""
    return words[0][:64] if len(words) == 2 and words[1] == str(number) else ""


def _told(root: Path, number: int) -> str:
    told = f"{place.host()}\0{place.container()}\0{root}\0{number}"
    return hashlib.sha256(told.encode()).hexdigest()[:32]
