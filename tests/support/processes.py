"""Processes of a test: what they need to see its database and Redis, and what of them is still there."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings

from goby_site.paths import BASE_DIR


def database_url() -> str:
    """The URL of the database that the running test uses, for a process of its own."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        return f"sqlite:///{quote(str(database['NAME']))}"
    return f"postgresql://{database['USER']}@{quote(database['HOST'], safe='')}/{database['NAME']}"


def child_environment(**changes: str) -> dict[str, str]:
    """The environment of a `manage.py` that works on the running test's database and Redis (`transaction=True` tests)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    shared = {
        "DATABASE_URL": database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "DJANGO_SETTINGS_MODULE": "tests.support.stack_settings",
        "PYTHONPATH": str(BASE_DIR),
    }
    return kept | shared | changes


PORTS = range(20_000, 32_768)
"""Below those that the kernel gives to whoever asks for any, a browser's connections among them: what is free here stays so."""


def free_port() -> int:
    """A port of 127.0.0.1 that nothing uses now, and that no other process of this test run is given."""
    from tests.support.migrated import shared_folder

    given = shared_folder().with_name("ports")
    given.mkdir(exist_ok=True)
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            (given / str(port)).touch(exist_ok=False)
            return port
    raise RuntimeError("no port is free")


def processes_of(leader: int) -> dict[int, str]:
    """`leader`, the live processes of its session, and all their descendants, with their command lines.

    Sandboxes have a session of their own, so they count as descendants; zombies do not count.
    """
    found: dict[int, str] = {}
    parents: dict[int, int] = {}
    commands: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent, _group, session = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:4]
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if state != "Z":
            commands[int(entry.name)] = command
            parents[int(entry.name)] = int(parent)
            if leader in {int(session), int(entry.name)}:
                found[int(entry.name)] = command
    while more := {pid: commands[pid] for pid, parent in parents.items() if parent in found and pid not in found}:
        found |= more
    return found


def own_name_space() -> list[str] | None:
    """A command that starts another one as process 1 of a name space of processes, as an engine of containers does.

    None where the kernel does not let this user have one.
    """
    alone = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
    alone += ["--pid", "--fork", "--kill-child", "--mount-proc", "--"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        return None
    return alone


def own_processes() -> list[str]:
    """`own_name_space`; skips the test where there is none."""
    alone = own_name_space()
    return pytest.skip("no name space of processes to be had here") if alone is None else alone


def children(pid: int) -> list[int]:
    """Processes that it started; none of one that has ended."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
