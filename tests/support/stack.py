"""A whole stack for a test: web, workers, battle and watcher as real processes, the very ones that `make run` starts."""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, cast
from unittest import mock
from urllib.parse import quote

from supervisor.xmlrpc import SupervisorTransport

from goby_site.paths import BASE_DIR, private_dir
from goby_site.stack.supervisord import supervisor_socket, tied
from tests.support import forked, migrated
from tests.support.processes import child_environment, free_port, processes_of


def wait_until(condition: Callable[[], Any], seconds: float = 60, what: str = "", *, every: float = 0) -> Any:
    """The first true answer of `condition`, asked every so many seconds. Raises TimeoutError after `seconds`.

    Without `every`: the longer it has been waited for, the more seldom, since a question costs a process, a connection or a page.
    """
    begun = time.monotonic()
    while not (answer := condition()):
        waited = time.monotonic() - begun
        if waited > seconds:
            raise TimeoutError(what or f"{condition} did not hold within {seconds} s")
        time.sleep(every or min(max(0.02, waited / 20), 0.1))
    return answer


def idle_seconds_until(
    condition: Callable[[], Any], seconds: float = 60, what: str = "", *, every: float = 0.02
) -> float:
    """Wait until `condition` holds; about the seconds that this would take on an idle machine: how often it was looked at, times `every`.

    On a busy machine, where all takes longer, the looks are as much fewer as what they wait for is slower. Raises TimeoutError after
    `seconds` of the clock.
    """
    looks = itertools.count()
    wait_until(lambda: next(looks) >= 0 and condition(), seconds, what, every=every)
    return (next(looks) - 1) * every


class RunningStack:
    """Starts on construction and serves when the constructor returns; a context manager that stops it.

    `folder` becomes its var/; its database is a new SQLite file there, migrated already unless `from_nothing`, or the one that
    `database_url` names. `redis_url` empty means a Redis of its own. `under` is a command that starts it; `program` what Python is told to run.
    """

    def __init__(
        self,
        folder: Path,
        *,
        redis_url: str = "",
        database_url: str = "",
        from_nothing: bool = False,
        under: Sequence[str] = (),
        program: Sequence[str] = ("-m", "goby_site.stack"),
        **environment: str,
    ) -> None:
        self.folder = folder
        if not database_url and not from_nothing:
            migrated.copy_file(private_dir(folder) / "goby.sqlite3")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder.parent / f"{folder.name}.log"
        own = {"GOBY_VAR": str(folder), "GOBY_DEMO": "true", "PORT": str(self.port), "REDIS_URL": redis_url}
        own["DATABASE_URL"] = database_url or f"sqlite:///{quote(str(folder))}/goby.sqlite3"
        self.environment = child_environment(**own | environment)
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                tied("TERM", *under, sys.executable, *program),  # a test run that is killed leaves no stack
                cwd=BASE_DIR,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            wait_until(self.serves, 180)
            wait_until(lambda: all(part["statename"] != "STARTING" for part in self._parts()), 60)
        except BaseException as problem:
            self.stop()  # also at the end of the time that the test has: a stack left behind slows all others
            if isinstance(problem, TimeoutError):
                raise RuntimeError(self.output()) from None
            raise

    def serves(self) -> bool:
        """Whether it has said where it is. Raises RuntimeError with its output when it ended instead."""
        if self.process.poll() is not None:
            raise RuntimeError(self.output())
        return f"Goby is at {self.url}" in self.log.read_text()

    def output(self) -> str:
        """The output of the stack and its parts, for the message of a failing test."""
        logs = sorted((self.folder / "log").glob("*.log"))
        parts = [f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in logs]
        return "\n".join([self.log.read_text(errors="replace"), *parts])

    def pids(self, program: str) -> list[int]:
        """The process ids of a part: web, worker, evidence, battle, watcher or redis."""
        running = [part for part in self._parts() if part["statename"] == "RUNNING"]
        return sorted(part["pid"] for part in running if part["name"].split("-")[0] == program)

    def _parts(self) -> list[dict[str, Any]]:
        """The state of each, from supervisord."""
        with self.supervisor() as supervisor:
            return cast("list[dict[str, Any]]", supervisor.getAllProcessInfo())

    @contextmanager
    def supervisor(self) -> Iterator[Any]:
        """supervisord's own interface."""
        transport = SupervisorTransport(serverurl=f"unix://{self.environment_socket()}")
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as server:
            yield server.supervisor

    def let_battle(self, go_on: bool) -> None:
        """Start the director of the battle, or stop it and wait for its end."""
        with self.supervisor() as supervisor:
            goes_on = supervisor.getProcessInfo("goby:battle")["statename"] in {"STARTING", "RUNNING"}
            if go_on and not goes_on:
                supervisor.startProcess("goby:battle", False)
            elif goes_on and not go_on:
                supervisor.stopProcess("goby:battle")

    def environment_socket(self) -> Path:
        """supervisord's socket, whose place depends on the length of the path."""
        with mock.patch.dict(os.environ, GOBY_VAR=str(self.folder)):
            return supervisor_socket()

    @property
    def worker_pids(self) -> list[int]:
        """The workers that run now."""
        return self.pids("worker")

    def kill_worker(self) -> int:
        """SIGKILL one worker, and return its id; supervisord starts another."""
        victim = self.worker_pids[0]
        os.kill(victim, signal.SIGKILL)
        return victim

    def password(self, role: str) -> str:
        """The demo login's password."""
        logins = dict(line.split() for line in (self.folder / "demo-logins").read_text().splitlines())
        return logins[role]

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a management command on this stack's database and Redis, in a fork of what has imported the project already."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as error:
            process = forked.start(
                "manage.py", *arguments, environment=self.environment, stdout=out.buffer, stderr=error.buffer
            )
            status = process.wait(300)
            out.seek(0)
            error.seek(0)
            return subprocess.CompletedProcess(["manage.py", *arguments], status, out.read(), error.read())

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement on its SQLite file, for its answer: a hundredth of what a management command takes."""
        with closing(sqlite3.connect(self.folder / "goby.sqlite3", timeout=20)) as database, database:
            return database.execute(sql, values).fetchall()

    def members(self) -> dict[int, str]:
        """Every live process of this stack, its sandboxes too."""
        return processes_of(self.process.pid)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ctrl-C, and the exit status; kills whatever is left after 30 s."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def __enter__(self) -> RunningStack:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
