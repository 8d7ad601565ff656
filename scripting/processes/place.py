"""Where this process runs, and a name for it that no other process and no other start of it has."""

from __future__ import annotations

import functools
import os
import re
import secrets
import socket
from pathlib import Path

_CONTAINER = re.compile(r"[/-]([0-9a-f]{64})(?:[/.]|$)", re.MULTILINE)
"""The id of a container, in paths that Docker, containerd and Podman mount or group by."""
_OWN_MOUNTS = re.compile(r"(?:\S+ ){3}(\S+) (?:/etc/(?:hostname|hosts|resolv\.conf)|/run/\.containerenv) ")
"""A file that an engine mounts into a container. A host has mounts with ids in their paths too: those of the containers that run on it."""
_FIRST_NAMESPACE = "pid:[4026531836]"
"""The kernel's own number of the name space of processes that a machine starts with."""
_SHOWN = 12
"""Characters of an id, as `docker ps` shows it."""


def host() -> str:
    """The host's name, which containers may share."""
    return socket.gethostname()


@functools.cache
def container(proc: Path = Path("/proc/self")) -> str:
    """The container that this process is in: its id where the mounts or groups tell it, else its name space of processes; empty outside."""
    mounted = "\n".join(_OWN_MOUNTS.findall(_read(proc / "mountinfo")))
    for told in (mounted, _read(proc / "cgroup")):
        if found := _CONTAINER.search(told):
            return found[1][:_SHOWN]
    try:
        namespace = str((proc / "ns" / "pid").readlink())
    except OSError:
        return ""
    return "" if namespace == _FIRST_NAMESPACE else namespace


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


_start = ""


def start_name() -> str:
    """This start of this process: host:pid and a part of its own, since process 1 of two containers may have both in common."""
    global _start
    if not _start:
        _start = f"{host()}:{os.getpid()}.{secrets.token_hex(4)}"
    return _start


def _forget() -> None:
    global _start
    _start = ""


os.register_at_fork(after_in_child=_forget)
