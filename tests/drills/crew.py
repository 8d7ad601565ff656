"""The processes of a drill's site: workers, web processes and watchers, each by a name, started again after a fault."""

from __future__ import annotations

import os
import signal
import urllib.error
import urllib.request
from collections.abc import Callable
from types import TracebackType

from goby_site.stack.supervisord import runners
from tests.drills.network import Host
from tests.drills.place import Place
from tests.support.processes import children, free_port
from tests.support.stack import wait_until
from tests.workers.processes import OwnProcess, WorkerProcess


class Crew:
    """A context manager that ends all of them, and says who did not end as asked."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._makers: dict[str, Callable[[], OwnProcess]] = {}
        self.running: dict[str, OwnProcess] = {}
        self.deaths: list[str] = []
        """Processes that ended without being asked to."""
        self.ports: dict[str, int] = {}

    def add_worker(self, name: str, host: Host | None = None) -> None:
        own = self._place.of_hosts() if host else {}
        under = host.under if host else ()
        self._add(name, lambda: WorkerProcess(self._place.folder, name, under=under, real=True, **own))

    def add_web(self, name: str) -> None:
        port = self.ports[name] = free_port()
        command = runners("127.0.0.1", port)["web"]
        self._add(name, lambda: OwnProcess(self._place.folder / f"{name}.log", *command))

    def add_watcher(self, name: str) -> None:
        command = ("manage.py", "watch_scripts")
        self._add(name, lambda: OwnProcess(self._place.folder / f"{name}.log", *command))

    def _add(self, name: str, make: Callable[[], OwnProcess]) -> None:
        self._makers[name] = make
        self.running[name] = make()

    def names(self, kind: str) -> list[str]:
        """The names of those that begin with `kind`."""
        return [name for name in self.running if name.startswith(kind)]

    def ready(self, seconds: float = 180) -> None:
        """Wait until all take work. Raises TimeoutError, RuntimeError with the log of one that has ended."""
        for name, process in self.running.items():
            wait_until(
                lambda name=name, process=process: self._is_ready(name, process), seconds, f"{name} does not start"
            )

    def _is_ready(self, name: str, process: OwnProcess) -> bool:
        if process.process.poll() is not None:
            raise RuntimeError(process.log.read_text())
        if isinstance(process, WorkerProcess):
            return process.said("takes jobs")
        return name not in self.ports or self.serves(name)

    def serves(self, name: str) -> bool:
        """Whether that web process answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name]}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def kill(self, name: str) -> OwnProcess:
        """SIGKILL; the process that was killed."""
        victim = self.running[name]
        victim.kill()
        return victim

    def start(self, name: str) -> None:
        """Start anew what has ended."""
        assert self.running[name].process.poll() is not None
        self.running[name] = self._makers[name]()

    def note_deaths(self) -> None:
        """Start anew what ended though nobody asked it to, and remember that."""
        for name, process in self.running.items():
            if process.process.poll() is not None:
                self.deaths.append(f"{name}: exit {process.process.returncode}: {process.log.read_text()[-300:]}")
                self.start(name)

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for process in self.running.values():
            if process.process.poll() is None:
                process.signal(signal.SIGCONT)
                process.signal(signal.SIGTERM)
        for name, process in self.running.items():
            try:
                process.process.wait(30)
            except Exception:
                self.deaths.append(f"{name} did not end within 30 s of SIGTERM")
                process.kill()
            if error is not None:
                print(f"--- {name}\n{process.log.read_text()[-2000:]}")


def fork_servers(process: OwnProcess) -> list[int]:
    """The parent of its sandboxes."""
    return children(process.process.pid)


def sandboxes(process: OwnProcess) -> list[int]:
    return [box for parent in fork_servers(process) for box in children(parent)]


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
