"""The process that a test run forks its workers, watchers and members from: all that these import is imported there once.

To start Python and import the project costs more than what most of them then do. One such process for each settings module serves
all test processes of the run: `tests.support.forked` asks it. A child takes the environment of its own test, and reads the settings
anew from that.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from goby_site.stack import forks
from tests.support.settings_anew import read_settings_anew

IMPORTED = (
    "scripting.management.commands.run_worker",
    "scripting.management.commands.watch_scripts",
    "scripting.hot_reload.listener",
    "django.core.checks.registry",
    "django.db.models.sql.compiler",
    "tests.support.member",
    "tests.support.arena",
    "tests.workers.evidence_tasks",
)
LOOK_SECONDS = 2.0
"""How often it looks whether the test run is still there."""


class Template:
    """Listens at a socket of the run's folder; forks what it is asked for; says who has ended, and how."""

    def __init__(self, listener: socket.socket, run: int, begin: Callable[[dict[str, Any], list[int]], None]) -> None:
        self._run = run
        self._begin = begin
        self._children: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._listener = listener
        self._woken, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)

    def serve(self) -> None:
        """Until the test run has ended."""
        while os.path.exists(f"/proc/{self._run}"):  # noqa: PTH110 - it may be long
            for key, _ in self._selector.select(LOOK_SECONDS):
                if key.fileobj is self._listener:
                    self._selector.register(self._listener.accept()[0], selectors.EVENT_READ)
                elif key.fileobj == self._woken:
                    os.read(self._woken, 4096)
                elif isinstance(key.fileobj, socket.socket):
                    self._answer(key.fileobj)
            self._bury()
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)

    def _answer(self, client: socket.socket) -> None:
        """Fork what the client asks for; what it has left behind ends with it."""
        try:
            text, files, _, _ = socket.recv_fds(client, 1 << 17, 3)
        except OSError:
            text, files = b"", []
        if not text:
            self._selector.unregister(client)
            client.close()
            for pid in [pid for pid, owner in self._children.items() if owner is client]:
                del self._children[pid]
                os.kill(pid, signal.SIGKILL)
            return
        wanted, here = json.loads(text), os.getpid()
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            forks.become(lambda: self._begin(wanted, files), wanted["title"], here, signal.SIGKILL)
        self._children[pid] = client
        for file in files:
            os.close(file)
        client.send(json.dumps({"started": pid}).encode())

    def _bury(self) -> None:
        """Tell whoever asked for it of each child that has ended."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if client := self._children.pop(ended[0], None):
                    with contextlib.suppress(OSError):
                        client.send(
                            json.dumps({"ended": ended[0], "status": os.waitstatus_to_exitcode(ended[1])}).encode()
                        )


def listen(address: Path) -> socket.socket:
    """The socket at which a template is asked."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(address))
    listener.listen(64)
    return listener


def _begin(wanted: dict[str, Any], files: list[int]) -> None:
    """In the child: what a program has that was started so, then the program."""
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    if wanted["session"]:
        os.setsid()
    if wanted["umask"] >= 0:
        os.umask(wanted["umask"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    read_settings_anew()
    if wanted["command"][0] == "-m":
        sys.argv = wanted["command"][1:]
        importlib.import_module(sys.argv[0]).main()
    else:
        from django.core.management import execute_from_command_line

        sys.argv = wanted["command"]
        execute_from_command_line(sys.argv)


def main() -> None:
    import django

    run, address = int(sys.argv[1]), Path(sys.argv[2])
    django.setup()
    for name in IMPORTED:
        importlib.import_module(name)
    unfinished = address.with_suffix(".new")
    template = Template(listen(unfinished), run, _begin)
    unfinished.rename(address)
    gc.collect()
    gc.freeze()
    template.serve()


if __name__ == "__main__":
    main()
