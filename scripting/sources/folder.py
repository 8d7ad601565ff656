"""The scripts folder, read and written without ever following a symbolic link; what is in it, as values.

`scripts/<module>/<name><suffix>` is an override. Everything else that may lie there has a stated outcome: a script file that
cannot be used is `Unusable` (it counts as present, so what runs stays), anything that is no script file is a `Remark`.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from django.conf import settings

from scripting.conf import conf
from scripting.models.script import NAME_PATTERN
from scripting.sandbox.languages.table import LANGUAGES, language_for_suffix
from scripting.sources import open_files
from scripting.texts.escaping import one_line

MAX_FILE_BYTES = 1 << 20
"""Larger files are not read: no script comes near it, and a log or a dump dropped into the folder does."""

MAX_ENTRIES = 5000
"""Entries of one folder that are looked at; more is an accident, and is said."""

HOLD = ".hold"
"""While a file of this name lies in the scripts folder, the watcher takes nothing; once it is gone, all at once."""
HOLD_SECONDS = 300
"""How long: a hold that someone forgot must not stop the watcher for good."""

CASES = "cases"
"""The folder in a module's that holds cases; `case_folder` reads it."""

_NAME = re.compile(NAME_PATTERN)
_BACKUPS = ("~", ".swp", ".swx", ".swo", ".bak", ".orig", ".rej", ".tmp", ".pyc")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: opening a FIFO that someone put there must not hang.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FolderRefused(OSError):
    """A folder cannot be used: the message names it and says what to do."""


@dataclass(frozen=True)
class ScriptFile:
    """A file that holds the text of a script."""

    module: str
    name: str
    language: str
    path: str
    """As a reader would write it: below the scripts folder's own name."""
    content: bytes

    @property
    def digest(self) -> str:
        return file_digest(self.name, self.language, self.content)


@dataclass(frozen=True)
class Unusable:
    """A file in the place of a script's text that cannot be taken."""

    module: str
    name: str
    path: str
    reason: str


@dataclass(frozen=True)
class Remark:
    """Something in the folder that is no script, and why it was passed over."""

    path: str
    reason: str
    module: str = ""
    script: str = ""
    """Which script has two files, for a conflict."""


@dataclass(frozen=True)
class BeingWritten(Unusable):
    """A file that a program still has open for writing: what is in it may be half of what will be."""


Found = ScriptFile | Unusable


Key = TypeVar("Key", bound=tuple[str, ...])
File = TypeVar("File")


@dataclass
class Looked(Generic[Key, File]):
    """Files of one kind found in the whole folder."""

    files: dict[Key, File] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    unread: set[tuple[str, ...]] = field(default_factory=set)
    """Folders that are there and cannot be read, or not to the end, by the first names of the keys below them."""

    def missing(self, expected: Iterable[Key]) -> set[Key]:
        """Those that are gone. Of what lies below a folder that cannot be read nobody knows: it counts as present."""
        return {key for key in expected if key not in self.files and not self._is_unread(key)}

    def _is_unread(self, key: tuple[str, ...]) -> bool:
        return any(key[:names] in self.unread for names in range(len(key)))


class Scan(Looked[tuple[str, str], Found]):
    """Files of scripts, by module and script name; of two files for one script, the one that counts."""


def scripts_dir() -> Path:
    """The folder of the overrides, absolute: a relative setting counts from the project's folder."""
    base = getattr(settings, "BASE_DIR", None)
    return Path(os.path.normpath(Path(base or Path.cwd()) / conf.SCRIPTING_SCRIPTS_DIR))


def file_digest(name: str, language: str, content: bytes) -> str:
    """sha256 (hex) over file name and bytes: the same text under another suffix is another override."""
    known = LANGUAGES.get(language)
    return hashlib.sha256(f"{name}{known.suffix if known else ''}\0".encode() + content).hexdigest()


def script_name_of(file_name: str) -> tuple[str, str] | None:
    """(script, language) that a file of this name holds, or None when it is no script's file."""
    stem, suffix = _split(file_name)
    language = language_for_suffix(suffix)
    return (stem, language.name) if language is not None and _NAME.match(stem) else None


def _split(file_name: str) -> tuple[str, str]:
    stem, dot, suffix = file_name.rpartition(".")
    return (stem, dot + suffix) if stem else (file_name, "")


def is_module_name(name: str) -> bool:
    return bool(_NAME.match(name))


# -- folders -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def open_folder(folder: Path, *, make: bool = False) -> Iterator[int]:
    """A descriptor of `folder`, reached without a symbolic link anywhere on its path; made 0755 on the way if asked.

    Raises FileNotFoundError when it is not there, FolderRefused when something else than a folder is in the way.
    """
    parts = Path(os.path.normpath(folder.absolute())).parts
    handle = os.open(parts[0], _FOLDER)
    try:
        for index, part in enumerate(parts[1:], 2):
            try:
                inner = enter(handle, part, make)
            except OSError as error:
                raise _explained(error, Path(*parts[:index])) from None
            os.close(handle)
            handle = inner
        yield handle
    finally:
        os.close(handle)


def enter(handle: int, name: str, make: bool = False) -> int:
    """A descriptor of the folder `name` in an open one, which is no symbolic link. Raises OSError."""
    try:
        return os.open(name, _FOLDER, dir_fd=handle)
    except FileNotFoundError:
        if not make:
            raise
    with contextlib.suppress(FileExistsError):  # another process made it first
        os.mkdir(name, 0o755, dir_fd=handle)
    return os.open(name, _FOLDER, dir_fd=handle)


def _explained(error: OSError, path: Path) -> OSError:
    if error.errno == errno.ENOENT:
        return FileNotFoundError(errno.ENOENT, "there is no such folder", str(path))
    # With O_DIRECTORY, Linux answers ENOTDIR for a link that O_NOFOLLOW refuses.
    if error.errno in {errno.ELOOP, errno.ENOTDIR} and path.is_symlink():
        return FolderRefused(f"{path} is a symbolic link, and links are not followed: name the real folder")
    return FolderRefused(f"{path}: {error.strerror}")


# -- reading -----------------------------------------------------------------------------------------------------------


def scan(root: Path) -> Scan:
    """Everything in the scripts folder. A folder that is not there is an empty one; raises FolderRefused."""
    result = Scan()
    try:
        with open_folder(root) as handle:
            for entry in entries(handle, root.name, result, ()):
                _scan_module(handle, entry, f"{root.name}/{entry}", result)
    except FileNotFoundError:
        pass
    return result


def look_up(root: Path, module: str, name: str) -> Found | None:
    """The file of one script, if there is one that could be read or not; of two, the one that counts."""
    result = Scan()
    shown = f"{root.name}/{module}"
    try:
        with open_folder(root / module) as handle:
            for language in LANGUAGES.values():
                _take(_look(handle, module, f"{name}{language.suffix}", shown), result)
    except OSError:
        return None
    return result.files.get((module, name))


def entries(handle: int, shown: str, found: Looked[Any, Any], inside: tuple[str, ...]) -> list[str]:
    """Names in the open folder but noise, sorted; more than MAX_ENTRIES are remarked upon. `inside`: the first names of keys below it."""
    names = sorted(name for name in os.listdir(handle) if not is_noise(name))
    if len(names) > MAX_ENTRIES:
        few = f"only the first {MAX_ENTRIES} are looked at, and none counts as deleted"
        found.remarks.append(Remark(shown, f"holds {len(names)} entries; {few}"))
        found.unread.add(inside)
    return names[:MAX_ENTRIES]


def is_held(root: Path, now: float) -> bool:
    """Whether someone asks the watcher to wait: there is a file HOLD in the folder, not older than HOLD_SECONDS at `now`."""
    try:
        with open_folder(root) as handle:
            found = os.stat(HOLD, dir_fd=handle, follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and now - found.st_mtime < HOLD_SECONDS


def is_noise(name: str) -> bool:
    """Dot files and editors' backups, passed over without a word."""
    return name.startswith((".", "#")) or name.endswith(_BACKUPS) or name in {"__pycache__", "README.md"}


def _scan_module(root: int, module: str, shown: str, result: Scan) -> None:
    shown = one_line(shown)
    try:
        handle = os.open(module, _FOLDER, dir_fd=root)
    except OSError as error:
        mode = os.stat(module, dir_fd=root, follow_symlinks=False).st_mode if _exists(module, root) else 0
        if stat.S_ISLNK(mode):
            reason = "is a symbolic link, and links are not followed: put the folder itself here; what was taken from it stays"
        elif stat.S_ISDIR(mode):
            reason = f"cannot be read: {error.strerror}; what was taken from it stays"
        else:
            reason = "lies outside a module's folder: move it to <module>/"
        if mode:
            result.unread.add((module,))
        result.remarks.append(Remark(shown, reason))
        return
    try:
        if not is_module_name(module):
            result.remarks.append(Remark(shown, "is no module's name: use lower-case letters, digits and underscores"))
            return
        for name in entries(handle, shown, result, (module,)):
            if name == CASES:
                continue
            _take(_look(handle, module, name, shown), result)
    finally:
        os.close(handle)


def _exists(name: str, handle: int) -> bool:
    try:
        os.stat(name, dir_fd=handle, follow_symlinks=False)
    except OSError:
        return False
    return True


def _look(handle: int, module: str, name: str, shown: str) -> Found | Remark | None:
    path = one_line(f"{shown}/{name}")
    named = script_name_of(name)
    if named is None:
        return Remark(path, _why_no_script(handle, name))
    try:
        content = read_bytes(handle, name)
    except FileNotFoundError:
        return None  # gone since the folder was listed
    except open_files.StillWritten as error:
        return BeingWritten(module, named[0], path, str(error.strerror))
    except OSError as error:
        return Unusable(module, named[0], path, error.strerror or str(error))
    return ScriptFile(module, named[0], named[1], path, content)


def _why_no_script(handle: int, name: str) -> str:
    try:
        mode = os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode
    except OSError:
        return "is gone again"
    if stat.S_ISDIR(mode):
        return "is a nested folder, which is not read: scripts lie directly in their module's folder"
    stem, suffix = _split(name)
    if language_for_suffix(suffix) is None:
        return f"is no script: known suffixes are {', '.join(sorted(known.suffix for known in LANGUAGES.values()))}"
    return f"{one_line(stem)!r} cannot be a script's name: use a–z, 0–9 and _, a letter first, at most 64 characters"


def read_bytes(handle: int, name: str) -> bytes:
    """The bytes of a regular file in the open folder. Raises OSError whose `strerror` says why it cannot be taken."""
    try:
        descriptor = os.open(name, _FILE, dir_fd=handle)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(
                errno.ELOOP, "is a symbolic link, and links are not followed: put the file itself here"
            ) from None
        if error.errno == errno.ENOENT:
            raise
        if error.errno == errno.EAGAIN:  # a lease, as of a file server: whoever holds it may write
            raise open_files.StillWritten from None
        raise OSError(error.errno, f"cannot be read: {error.strerror}") from None
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):  # `fdopen` refuses it, and leaves it open
        os.close(descriptor)
        raise OSError(errno.EISDIR, "is a folder with a script's name: scripts are files")
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "is no regular file")
        if found.st_size > MAX_FILE_BYTES:
            raise OSError(errno.EFBIG, f"is {found.st_size} bytes long: a script file may have {MAX_FILE_BYTES}")
        content = bytearray()
        with open_files.unwritten(descriptor):
            while chunk := file.read(1 << 16):
                content += chunk
                if len(content) > MAX_FILE_BYTES:
                    raise OSError(errno.EFBIG, f"is longer than {MAX_FILE_BYTES} bytes")
    if not content.strip():
        # Editors truncate before they write, so an empty file often is a save half done.
        raise OSError(errno.ENODATA, "is empty: write the script, or delete the file to bring the default back")
    return bytes(content)


def _take(found: Found | Remark | None, result: Scan) -> None:
    """Of two files for one script the language that comes first in the table counts, whichever is newer."""
    match found:
        case None:
            return
        case Remark():
            result.remarks.append(found)
            return
    key = (found.module, found.name)
    other = result.files.get(key)
    if other is None:
        result.files[key] = found
        return
    order = [language.suffix for language in LANGUAGES.values()]
    winner, loser = sorted((other, found), key=lambda file: order.index(_split(file.path)[1]))
    result.files[key] = winner
    result.remarks.append(
        Remark(loser.path, f"is in conflict with {winner.path}, which counts: remove one of the two", *key)
    )


# -- writing -----------------------------------------------------------------------------------------------------------


def present(handle: int, name: str) -> str:
    """The kind of entry under that name: `file`, `link`, `other`, or an empty string for nothing."""
    try:
        mode = os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return ""
    return "file" if stat.S_ISREG(mode) else "link" if stat.S_ISLNK(mode) else "other"


def write_bytes(handle: int, name: str, content: bytes, *, replace: bool) -> None:
    """Write a file whole or not at all. Without `replace`, raises FileExistsError when anything has that name."""
    temporary = f".{name}.{secrets.token_hex(6)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o644, dir_fd=handle)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.rename(temporary, name, src_dir_fd=handle, dst_dir_fd=handle)
        else:
            os.link(temporary, name, src_dir_fd=handle, dst_dir_fd=handle, follow_symlinks=False)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=handle)
    os.fsync(handle)
