"""Processes of a test: what they need to see its database and Redis, and what of them is still there."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from urllib.parse import quote

from django.conf import settings

from goby_site.places import BASE_DIR


def database_url() -> str:
    """The URL of the database that the running test uses, for a process of its own."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        return f"sqlite:///{database['NAME']}"
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


def free_port() -> int:
    """A port of 127.0.0.1 that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def session_members(session: int) -> dict[int, str]:
    """The live processes of a session by id, with their command lines; zombies are not counted."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, _parent, _group, sid = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:4]
            if state != "Z" and int(sid) == session:
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
    return found
