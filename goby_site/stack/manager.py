"""supervisord, which forks the parts from itself where it can: each has the project imported already. It starts other programs anew."""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management import ManagementUtility
from supervisor import events
from supervisor.options import ServerOptions
from supervisor.states import SupervisorStates
from supervisor.supervisord import go

from goby_site.stack import forks
from goby_site.stack.starting import say
from goby_site.stack.supervisord import MANAGE, tied

STOP_SECONDS = 20
"""Parts that have not stopped after so many seconds are killed, and this process with them."""


def manage(config: Path, environment: Mapping[str, str], starting: forks.Child) -> int:
    """Run supervisord in this process until it is asked to stop: 0, or until `starting` fails: 1."""
    os.chdir(config.parent)
    os.environ.update(environment)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    options = _Options(starting)
    options.realize(["--nodaemon", "-c", str(config)])
    options.first, options.test = True, False
    go(options)
    options.close_httpservers()
    options.close_logger()
    return int(options.failed)


class _Options(ServerOptions):  # type: ignore[misc]
    """The system as supervisord asks it. It calls `execve` in a child that it has just forked, once that has its output, folder and environment."""

    def __init__(self, starting: forks.Child) -> None:
        super().__init__()
        self.failed = False
        """Whether the start failed: then everything is stopped."""
        self.starting: forks.Child | None = starting
        """The process that brings the parts up, until it has ended: after that its number may be one of theirs."""
        self._manager = os.getpid()

    def setsignals(self) -> None:
        """When it begins to serve. Started by `nohup`, it goes on without its terminal."""
        hang_up = signal.getsignal(signal.SIGHUP)
        super().setsignals()
        if hang_up is signal.SIG_IGN:
            signal.signal(signal.SIGHUP, hang_up)
        events.subscribe(events.SupervisorStoppingEvent, lambda _: self._stopping())

    def _stopping(self) -> None:
        signal.alarm(STOP_SECONDS)
        if not self.failed:
            with contextlib.suppress(OSError):  # its terminal may be gone
                say("\nStopping …")

    def get_signal(self) -> int | None:
        """The signal that has arrived. SIGHUP, which comes when the terminal is closed, stops everything: supervisord would begin anew, without
        the parts that another process has started."""
        number: int | None = super().get_signal()
        return signal.SIGTERM if number == signal.SIGHUP else number

    def waitpid(self) -> tuple[int | None, int | None]:
        """The child that has ended, and its status, as `os.waitpid` tells them."""
        pid, status = super().waitpid()
        if self.starting is not None and pid == self.starting.pid:
            self.starting = None
            if status != 0:
                self.failed, self.mood = True, SupervisorStates.SHUTDOWN
        return pid, status

    def execve(self, filename: str, argv: Sequence[str], env: dict[str, str]) -> Any:
        """Become that program; for one of ours, by going on in this process where that is possible."""
        ours = tied("KILL", sys.executable, "-m")
        if not forks.POSSIBLE or list(argv[: len(ours)]) != ours:
            return super().execve(filename, argv, env)
        os.environ.clear()
        os.environ.update(env)
        sys.argv = list(argv[len(ours) :])
        run = _manage if sys.argv[0] == MANAGE[1] else _run_module
        forks.become(run, f"goby: {env['SUPERVISOR_PROCESS_NAME']}", self._manager, signal.SIGKILL)


def _run_module() -> None:
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _manage() -> None:
    """Run a management command without what was done already: Django's setup in our parent, system checks by `prepare`."""
    sys.argv.append("--skip-checks")
    ManagementUtility(sys.argv).fetch_command(sys.argv[1]).run_from_argv(sys.argv)
