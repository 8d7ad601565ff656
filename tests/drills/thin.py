"""Thin processes of a fleet: `python -m tests.drills.thin` loads the site once and forks workers and web processes onto hosts.

Reads a line of JSON from standard input: [[name, kind, host's name space, log file], …]; answers with {name: process id} when all
are forked. Ends when they have ended; SIGTERM ends them. They share the memory of what is loaded, which is most of theirs.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import signal
import socket
import sys
from pathlib import Path

CLONE_NEWNET, CLONE_NEWUTS = 0x40000000, 0x04000000
PORT = 8000
"""Of a web process, on its host."""


def main() -> None:
    import django

    django.setup()
    import uvicorn.main  # noqa: F401
    from django.db import connections
    from django.urls import get_resolver

    import goby_site.asgi  # noqa: F401 - loaded once for all
    import scripting.workers.worker  # noqa: F401

    _ = get_resolver().url_patterns
    wanted = json.loads(sys.stdin.readline())
    connections.close_all()
    gc.collect()
    gc.freeze()
    started = {}
    for name, kind, space, log in wanted:
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            become(name, kind, space, Path(log))
        started[name] = pid
    print(json.dumps(started), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: [end(pid) for pid in started.values()])
    for pid in started.values():
        os.waitpid(pid, 0)


def end(pid: int) -> None:
    """Ask one to end; it may have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


def become(name: str, kind: str, space: str, log: Path) -> None:
    """In the child: go to the host and be the process. Does not return."""
    status = 1
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.setsid()
        move(space)
        if kind == "worker":
            from django.core.management import call_command

            call_command("run_worker", name=name)
        else:
            import uvicorn

            uvicorn.run("goby_site.asgi:application", host="0.0.0.0", port=PORT, lifespan="on", access_log=False)
        status = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def move(space: str) -> None:
    """To the name space of network, under the host's name."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{space}") as door:  # noqa: PTH123
        if libc.setns(door.fileno(), CLONE_NEWNET) or libc.unshare(CLONE_NEWUTS):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    socket.sethostname(space)


if __name__ == "__main__":
    main()
