"""The file of an exported site: a zip of JSON lines, and a list of digests over them by which damage is found."""

from __future__ import annotations

import hashlib
import os
import secrets
import zipfile
from pathlib import Path
from typing import Any

import msgspec

from scripting import clock
from scripting.transfer.records import KINDS, Record, Site

FORMAT = "goby-site/1"
LIST = "site.json"
LARGEST = 512 << 20
"""Bytes that one file of the archive may unpack to: some hundred thousand versions."""


class ArchiveRefused(Exception):
    """The file cannot be taken in: the message says why. Nothing was changed."""


def write(path: Path, site: Site) -> None:
    """Write the file, or leave what was there. Raises OSError."""
    members = {
        kind.member: b"".join(msgspec.json.encode(record) + b"\n" for record in getattr(site, name))
        for name, kind in KINDS.items()
    }
    listed = {name: {"sha256": hashlib.sha256(text).hexdigest()} for name, text in members.items()}
    head = {"format": FORMAT, "made_at": clock.now().isoformat(timespec="seconds"), "files": listed}
    half = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        # Texts of rules are a studio's own: nobody else may open it even before it is whole.
        own = os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
        with own, zipfile.ZipFile(own, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(LIST, msgspec.json.format(msgspec.json.encode(head)))
            for name, text in members.items():
                file.writestr(name, text)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def read(path: Path) -> Site:
    """The site in the file. Raises ArchiveRefused, OSError."""
    try:
        with zipfile.ZipFile(path) as file:
            head = msgspec.json.decode(_member(file, LIST))
            if not isinstance(head, dict) or head.get("format") != FORMAT:
                raise ArchiveRefused(f"{path} is no {FORMAT} file: export the site with the release that imports it")
            return Site(**{name: _records(file, kind, head["files"]) for name, kind in KINDS.items()})
    except (zipfile.BadZipFile, msgspec.MsgspecError, KeyError, TypeError, ValueError, EOFError) as error:
        raise ArchiveRefused(f"{path} is damaged, or no exported site: {error}") from None


def _records(file: zipfile.ZipFile, kind: type[Record], listed: Any) -> list[Any]:
    text = _member(file, kind.member)
    if hashlib.sha256(text).hexdigest() != listed[kind.member]["sha256"]:
        raise ArchiveRefused(f"{kind.member} is not what was exported: its digest differs")
    return [msgspec.json.decode(line, type=kind) for line in text.splitlines()]


def _member(file: zipfile.ZipFile, name: str) -> bytes:
    with file.open(name) as member:
        text = member.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise ArchiveRefused(f"{name} is larger than {LARGEST >> 20} MiB")
    return text
