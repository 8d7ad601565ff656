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
        if told := os.environ.get("TRACK_STATEMENTS"):
            connection_created.connect(_Noted(Path(told)), weak=False)


class _Noted:
    """Writes a line for each statement of each connection."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, *, connection: Any, **_signal: Any) -> None:
        if self._note not in connection.execute_wrappers:
            connection.execute_wrappers.append(self._note)

    def _note(self, execute: Any, sql: str, *statement: Any) -> Any:
        with self._path.open("a") as told:
            told.write(f"{' '.join(sql.split())[:200]}\n")
        return execute(sql, *statement)
