"""Real files, a real watcher process, and the wargame's own scripts as defaults."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scripting.models import Script
from scripting.registry.active import registry
from scripting.registry.resolved import ScriptNotFound
from scripting.runtime.pool import close_pool
from scripting.sources import sync
from tests.support import forked
from tests.support.engine import arena
from tests.support.game import game
from tests.support.notices import heard
from tests.support.processes import child_environment
from tests.support.stack import wait_until

SOON = 90.0
"""Seconds that anything may take on a machine that is busy with something else."""


class WatcherProcess:
    """A running `manage.py watch_scripts`."""

    def __init__(self, folder: Path, name: str, *, real: bool = False, **environment: str) -> None:
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as output:
            self.process = forked.start(
                "manage.py",
                "watch_scripts",
                environment=child_environment(SCRIPTING_SCRIPTS_DIR=str(folder / "scripts"), **environment),
                stdout=output,
                stderr=output,
                real=real,
            )

    def said(self, text: str) -> bool:
        return text in self.log.read_text()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
        return self.process.wait(SOON)


class Desk:
    """The scripts folder as people and their tools use it, and what became active of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scripts = folder / "scripts"

    def path(self, name: str, suffix: str = ".py", module: str = "wargame") -> Path:
        path = self.scripts / module / f"{name}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def save(self, name: str, text: str, suffix: str = ".py", module: str = "wargame") -> Path:
        path = self.path(name, suffix, module)
        path.write_text(text)
        return path

    def script(self, name: str, module: str = "wargame") -> Script | None:
        return Script.objects.filter(module=module, name=name).first()

    def runs(self, name: str, module: str = "wargame") -> str | None:
        """The text that runs now."""
        try:
            return registry.resolve(module, name).active.bundle.script.text
        except ScriptNotFound:
            return None

    def runs_soon(self, name: str, text: str | None, module: str = "wargame", seconds: float = SOON) -> None:
        wait_until(
            lambda: self.runs(name, module) == text, seconds, f"{module}/{name} runs {self.runs(name, module)!r}"
        )


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    registry.forget()
    yield
    registry.forget()


@pytest.fixture(scope="session", autouse=True)
def no_sandbox_left() -> Iterator[None]:
    yield
    close_pool()


@pytest.fixture
def desk(tmp_path: Path, settings: Any, transactional_db: None) -> Desk:
    """An empty scripts folder, with the wargame's defaults active."""
    settings.SCRIPTING_SCRIPTS_DIR = tmp_path / "scripts"
    sync.sync()
    return Desk(tmp_path)


@pytest.fixture
def start(desk: Desk) -> Iterator[Callable[..., WatcherProcess]]:
    """Starts watchers; ends them behind the test."""
    started: list[WatcherProcess] = []

    def begin(name: str = "watcher", *, real: bool = False, **environment: str) -> WatcherProcess:
        started.append(WatcherProcess(desk.folder, name, real=real, **environment))
        return started[-1]

    yield begin
    for watcher in started:
        watcher.end()


@pytest.fixture
def watcher(desk: Desk, start: Callable[..., WatcherProcess]) -> WatcherProcess:
    """A watcher that has begun and waits: what is saved from here on is news to it, and it has no transaction open."""
    found = start()
    desk.save("begun", "result = 1\n")
    desk.runs_soon("begun", "result = 1\n")
    wait_until(lambda: found.said("wargame/begun"), SOON, "the watcher says that it took the file")
    return found


__all__ = ["arena", "game", "heard"]
