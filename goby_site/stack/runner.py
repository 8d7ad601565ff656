"""`python -m goby_site.stack`: everything that serves Goby on this machine, until Ctrl-C.

This process holds the clone's lock, imports the project and becomes supervisord, which forks the parts, restarts what dies and stops
them. Another one brings them up meanwhile, says where the site is, and ends. Each dies with its parent, so nothing is left even when
this one is killed.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from typing import IO

from django.core.exceptions import ImproperlyConfigured

from goby_site import paths
from goby_site.stack import forks, starting
from goby_site.stack.manager import manage
from goby_site.stack.redis_data import mend
from goby_site.stack.redis_server import NoRedisServer, redis_server_binary
from goby_site.stack.starting import LOCAL, CannotStart, Stopped, answers_on, raise_stopped, read_host, read_port, say
from goby_site.stack.supervisord import (
    common_parent_socket,
    redis_data_dir,
    supervisor_config,
    supervisor_environment,
    tied,
)
from scripting.processes.init import leave_process_1


def hold_lock(url: str) -> IO[str]:
    """The lock of this clone, held until the returned file is closed. Raises CannotStart when another stack has it."""
    lock = (paths.var_dir() / "stack.lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        raise CannotStart(f"Goby runs in this clone already: {lock.read().strip()}. Stop that one first.") from None
    lock.truncate(0)
    lock.write(f"{url}, process {os.getpid()}\n")
    lock.flush()
    return lock


def check_port(port: int, host: str = LOCAL) -> None:
    """Raises CannotStart when something answers on the port already."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            message = f"Port {port} cannot be used ({error.strerror}). Choose another one: PORT=8001 make run"
            raise CannotStart(message) from None


def mend_redis() -> None:
    """Make what a power cut left of the data readable. Raises CannotStart when a Redis still writes it."""
    if os.environ.get("REDIS_URL"):
        return
    deadline = time.monotonic() + 10
    while answers_on(paths.socket_dir() / "redis.sock"):
        if time.monotonic() > deadline:
            raise CannotStart(f"A Redis of an earlier start still writes {redis_data_dir()}: stop that process first.")
        time.sleep(0.1)
    data = redis_data_dir()
    cut_off = mend(data, redis_server_binary(data))
    if cut_off:
        say(str(cut_off))


def begin_starting() -> forks.Child:
    """Begin to bring up what this process is about to manage, in a process of its own."""
    if forks.POSSIBLE:
        return forks.begin(lambda: sys.exit(starting.main()), "goby: start")
    return subprocess.Popen(tied("TERM", sys.executable, "-m", "goby_site.stack.starting"), cwd=paths.BASE_DIR)


def serve(host: str, port: int) -> int:
    """Start everything, and manage it until it is to stop; 1 when it could not start."""
    mend_redis()
    if forks.POSSIBLE:
        forks.load()
    paths.private_dir(paths.var_dir() / "log")
    config = paths.var_dir() / "supervisord.conf"
    config.write_text(supervisor_config(host, port), encoding="utf-8")
    return manage(config, supervisor_environment(), begin_starting())


def main() -> int:
    """Run the stack in the foreground. 0 after Ctrl-C or SIGTERM, 1 when it could not start."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "goby_site.settings")
    if forks.POSSIBLE:
        os.environ.setdefault("SCRIPTING_COMMON_PARENT", str(common_parent_socket()))
    leave_process_1()
    os.umask(0o077)
    signal.signal(signal.SIGINT, raise_stopped)
    signal.signal(signal.SIGTERM, raise_stopped)
    try:
        port, host = read_port(), read_host()
        with hold_lock(f"http://{starting.place(host, port)}/"):
            check_port(port, host)
            return serve(host, port)
    except (CannotStart, NoRedisServer, ImproperlyConfigured) as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except Stopped:
        return 0
