"""Processes forked from this one with all that it has imported: they share that memory until they write to it, and start in no time.

Linux alone: on macOS the system's libraries do not survive a fork.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn, Protocol

from goby_site.stack.die_with_parent import PR_SET_PDEATHSIG

POSSIBLE = sys.platform == "linux"

IMPORTED = (
    "django.core.handlers.asgi",
    "goby_site.urls",
    "goby_site.accounts.demo_guard",
    "goby_site.accounts.sessions",
    "goby_site.web.body_limit",
    "goby_site.web.proxies",
    "scripting.routing",
    "wargame.routing",
    "scripting.management.commands.run_worker",
    "scripting.management.commands.watch_scripts",
    "wargame.management.commands.play_wargame",
    "scripting.workers.evidence_worker",
    "scripting.processes.channel_layer",
    "django.db.models.sql.compiler",
    "dateutil.parser",
    "uvicorn.main",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)
"""Modules that the parts need beside the project's apps. None may read files that `prepare` makes, as the middleware does."""

OPTIONAL = ("rich", "opentelemetry")
"""Packages that other packages (structlog, redis) import where they are installed, and that no part needs: some 6 MiB. Who sends traces
imports its own later."""
DRIVER_OF_POSTGRESQL = "psycopg"
"""The admin's theme imports it on SQLite too: some 4 MiB."""

PR_SET_NAME = 15
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD)


class Child(Protocol):
    """A process that this one has started."""

    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


def load() -> None:
    """Import the project, and freeze it, so that no collection of a child writes to it. Opens no connection and starts no thread."""
    with _without(*OPTIONAL):
        import django
        from django.conf import settings

        on_sqlite = all("sqlite" in database["ENGINE"] for database in settings.DATABASES.values())
        with _without(*([DRIVER_OF_POSTGRESQL] if on_sqlite else [])):
            django.setup()
            middleware = (path.rpartition(".")[0] for path in settings.MIDDLEWARE)
            for name in (*IMPORTED, settings.ROOT_URLCONF, *middleware):
                importlib.import_module(name)
        _make_ahead()
    gc.collect()
    gc.freeze()


def _make_ahead() -> None:
    """Make what each part would make of the code alone in its first second: once, it is shared too."""
    from django.apps import apps
    from django.core.management import BaseCommand, get_commands
    from django.db import connections
    from django.db.models.options import Options
    from django.urls import get_resolver
    from django.utils.functional import cached_property

    from scripting.modules.topics import topics
    from scripting.storage.compiled_query import compile_all

    get_commands()
    BaseCommand().create_parser("", "")
    _ = get_resolver().app_dict
    _ = [topic.depth for topic in topics]
    kept = [name for name, value in vars(Options).items() if isinstance(value, cached_property)]
    for model in apps.get_models(include_auto_created=True):
        for name in kept:
            getattr(model._meta, name)
    for alias in connections:
        compile_all(alias)


@contextlib.contextmanager
def _without(*packages: str) -> Iterator[None]:
    """Within it these packages cannot be imported, as if they were not installed."""
    left_out = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(left_out))  # type: ignore[arg-type] # None: the import fails
    try:
        yield
    finally:
        for name in left_out:
            del sys.modules[name]


def begin(run: Callable[[], object], title: str) -> Child:
    """Fork a process that runs this and gets SIGTERM when this one dies."""
    parent = os.getpid()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    held = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # ours are not handled in the child
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        return _Forked(pid)

    def run_alone() -> object:
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        return run()

    become(run_alone, title, parent, signal.SIGTERM)


def become(run: Callable[[], object], title: str, parent: int, at_its_end: signal.Signals) -> NoReturn:
    """In a process just forked by `parent`: run this as if the program had begun with it, and end.

    Nothing of the parent is left behind unclosed for this to trip over: its objects stay referenced, or frozen.
    """
    status = 1
    try:
        gc.freeze()
        _reset_signals()
        _die_with(parent, at_its_end)
        _call(title)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)
        run()
        status = 0
    except SystemExit as end:
        status = _status(end)
    except BaseException:  # noqa: BLE001 - as the interpreter does it
        traceback.print_exc()
    finally:
        _end(status)


def _reset_signals() -> None:
    """A new program begins without its parent's handlers."""
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _die_with(parent: int, number: signal.Signals) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:  # it died before the wish was made
        os._exit(1)


def _call(title: str) -> None:
    """Give this process a name of its own in `ps` and `top`."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, title.encode()[:15], 0, 0, 0)
    start, end = map(int, Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[45:47])
    if end - start > 1:  # the words that it was started with
        ctypes.memmove(start, title.encode()[: end - start - 1].ljust(end - start, b"\0"), end - start)


def _status(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1


def _end(status: int) -> NoReturn:
    """End as the interpreter does: threads, what was registered, output."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(status)


class _Forked:
    """A child by its process id."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._status: int | None = None

    def poll(self) -> int | None:
        """Its exit status, or minus its signal; None while it runs."""
        return self._take(os.WNOHANG)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended. Raises subprocess.TimeoutExpired."""
        if timeout is None:
            self._take(0)
        deadline = time.monotonic() + (timeout or 0)
        while (status := self._take(os.WNOHANG)) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.05)
        return status

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _take(self, options: int) -> int | None:
        if self._status is None:
            ended, status = os.waitpid(self.pid, options)
            self._status = os.waitstatus_to_exitcode(status) if ended else None
        return self._status

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)
