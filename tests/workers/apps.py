"""Registers the track in the worker processes of these tests, and notes their statements where a test asks for that."""

import os
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class TrackConfig(AppConfig):
    name = "tests.workers"
    label = "track"

    def ready(self) -> None:
        from scripting.modules.installed import modules
        from tests.workers.track import Track

        modules.register(Track())
        connection_created.connect(_note_statements, weak=False)


def _note_statements(*, connection: Any, **_signal: Any) -> None:
    """Asked at each connection: a process that was forked has an environment of its own."""
    if "TRACK_STATEMENTS" in os.environ and _note not in connection.execute_wrappers:
        connection.execute_wrappers.append(_note)


def _note(execute: Any, sql: str, *statement: Any) -> Any:
    """Write a line for the statement."""
    with Path(os.environ["TRACK_STATEMENTS"]).open("a") as told:
        told.write(f"{' '.join(sql.split())[:200]}\n")
    return execute(sql, *statement)
