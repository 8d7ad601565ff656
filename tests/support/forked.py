"""Starts a Python program of a test: forked from `tests.support.template`, which has imported all of it, or really, from nothing."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from goby_site.paths import BASE_DIR
from goby_site.stack import forks
from goby_site.stack.supervisord import tied
from tests.support import common_parent
from tests.support.migrated import once, shared_folder

START_SECONDS = 100.0
"""A template starts at most so long on a machine that is busy with something else."""


class Forked:
    """As much of a `subprocess.Popen` as tests use, for a process whose parent is the template."""

    def __init__(self, template: _Template, pid: int, stdin: IO[str] | None, stdout: IO[str] | None) -> None:
        self._template = template
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout

    @property
    def returncode(self) -> int | None:
        return self._template.ended.get(self.pid)

    def poll(self) -> int | None:
        self._template.hear()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self._template.wait()
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # its end is on its way to us
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


Process = subprocess.Popen[Any] | Forked


class _Template:
    """This test process' line to the template of one settings module."""

    def __init__(self, settings: str, environment: Mapping[str, str]) -> None:
        self.owner = os.getpid()
        self.ended: dict[int, int] = {}
        address = shared_folder() / f"{settings}.socket"
        once(settings, address.exists, lambda: _make(address, environment))
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line.connect(str(address))

    def fork(self, wanted: Mapping[str, Any], files: Sequence[int]) -> int:
        """Its process id."""
        socket.send_fds(self._line, [json.dumps(wanted).encode()], files)
        while True:
            self.wait()
            if (pid := self._hear_one()) is not None:
                return pid

    def wait(self) -> None:
        """For the next word, a little while."""
        select.select([self._line], [], [], 1)

    def hear(self) -> None:
        """Take what was said by now."""
        while select.select([self._line], [], [], 0)[0]:
            self._hear_one()

    def _hear_one(self) -> int | None:
        """One word, if there is one: the id of a process that was started, or who has ended."""
        if not select.select([self._line], [], [], 0)[0]:
            return None
        text = self._line.recv(4096)
        assert text, "the template of the tests' processes has ended"
        said = json.loads(text)
        if "ended" in said:
            self.ended[said["ended"]] = said["status"]
            return None
        self.ended.pop(said["started"], None)  # of another that had this number
        return int(said["started"])


def _make(address: Path, environment: Mapping[str, str]) -> None:
    """Start a template and wait until it listens."""
    run = (shared_folder().parent / "run").read_text()
    with address.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.template", run, str(address)],
            cwd=BASE_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while not address.exists():
        assert process.poll() is None, address.with_suffix(".log").read_text()
        assert time.monotonic() < deadline, "the template of the tests' processes does not start"
        time.sleep(0.02)


_templates: dict[str, _Template] = {}


def start(
    *command: str,
    environment: Mapping[str, str],
    stderr: IO[bytes],
    stdout: IO[bytes] | None = None,
    new_session: bool = False,
    under: Sequence[str] = (),
    real: bool = False,
    umask: int = -1,
) -> Process:
    """A Python program (`manage.py …` or `-m module …`), forked unless it is `real`, or starts `under` another command.

    Without `stdout` there are pipes of text to and from it. One that is forked has its sandboxes from the run's common parent,
    unless its environment names another, or "" for a light parent of its own.
    """
    if real or under or not _may_be_forked(environment):
        return subprocess.Popen(
            tied("KILL", *under, sys.executable, *command),
            cwd=BASE_DIR,
            env=environment,
            stdin=subprocess.DEVNULL if stdout else subprocess.PIPE,
            stdout=stdout or subprocess.PIPE,
            stderr=stderr,
            start_new_session=new_session,
            text=not stdout,
            umask=umask,
        )
    settings = environment["DJANGO_SETTINGS_MODULE"]
    template = _templates.get(settings)
    if template is None or template.owner != os.getpid():
        template = _templates[settings] = _Template(settings, environment)
    wanted = {
        "command": command,
        "environment": {"SCRIPTING_COMMON_PARENT": str(common_parent.address_of_the_run()), **environment},
        "session": new_session,
        "umask": umask,
        "title": " ".join(command),
    }
    with contextlib.ExitStack() as stack:
        given: tuple[IO[str] | None, IO[str] | None] = (None, None)
        if stdout:
            source = stack.enter_context(Path(os.devnull).open("rb")).fileno()
            target = stdout.fileno()
        else:
            source, write = os.pipe()
            read, target = os.pipe()
            stack.callback(os.close, source)
            stack.callback(os.close, target)
            given = (os.fdopen(write, "w"), os.fdopen(read))
        pid = template.fork(wanted, [source, target, stderr.fileno()])
    return Forked(template, pid, *given)


def _may_be_forked(environment: Mapping[str, str]) -> bool:
    """Whether Python itself would begin in this environment as it did here."""
    names = {name for name in (*environment, *os.environ) if name.startswith("PYTHON")} - {"PYTHONPATH"}
    same = all(environment.get(name) == os.environ.get(name) for name in names)
    return forks.POSSIBLE and same and environment.get("PYTHONPATH") == str(BASE_DIR)
