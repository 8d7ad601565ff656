"""Worker processes of a test: `manage.py run_worker` on the test's own database and Redis, and others that are kept alike."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from scripting.workers import heartbeat
from tests.support import forked
from tests.support.processes import alive as process_alive
from tests.support.processes import child_environment, processes_of
from tests.support.stack import wait_until

OWN_PARENT = {"SCRIPTING_COMMON_PARENT": ""}
"""The environment of one whose sandboxes descend from it, so that `members` finds them: a forked one has them from the run's common parent."""


class OwnProcess:
    """A process with the track's settings, started by the command `under`; a context manager that leaves nothing of it behind.

    Not `real`, it is forked from what has imported all of it.
    """

    def __init__(
        self, log: Path, *command: str, under: Sequence[str] = (), real: bool = True, **environment: str
    ) -> None:
        self.log = log
        with self.log.open("ab") as output:
            self.process = forked.start(
                *command,
                environment=child_environment(DJANGO_SETTINGS_MODULE="tests.workers.settings", **environment),
                stdout=output,
                stderr=output,
                new_session=True,
                under=under,
                real=real,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            print(f"--- {self.log.name}\n{self.log.read_text()[-4000:]}")
        self.kill()

    def said(self, text: str) -> bool:
        return text in self.log.read_text()

    def signal(self, number: signal.Signals) -> None:
        self.family = self.members()
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """SIGKILL to the process alone: its sandboxes must go with it."""
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
        self.process.wait()

    def members(self) -> set[int]:
        """Its sandboxes and their parent."""
        return set(processes_of(self.process.pid)) - {self.process.pid}

    def leaves_nothing(self) -> bool:
        """Whether all that it had when it was last signalled is gone."""
        return not any(process_alive(pid) for pid in self.family)


class WorkerProcess(OwnProcess):
    """A running worker."""

    def __init__(
        self,
        folder: Path,
        name: str,
        *options: str,
        under: Sequence[str] = (),
        real: bool = False,
        **environment: str,
    ) -> None:
        self.name = name
        command = ("manage.py", "run_worker", "--name", name, *options)
        super().__init__(folder / f"{name}.log", *command, under=under, real=real, **environment)

    def takes_jobs(self) -> WorkerProcess:
        """Wait until it has said so."""
        try:
            wait_until(
                lambda: self.said("takes jobs") or self.process.poll() is not None, 90, f"{self.name} did not start"
            )
        except TimeoutError:
            self.kill()  # no block has begun that would
            raise
        assert self.process.poll() is None, self.log.read_text()
        return self


def wait_for(condition: Callable[[], object], seconds: float = 60, what: str = "") -> None:
    wait_until(condition, seconds, what)


def alive(name: str) -> bool:
    """Whether a worker of that name has given its heartbeat."""
    return any(worker.startswith(f"{name}.") for worker in heartbeat.live_workers())
