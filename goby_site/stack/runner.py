"""`python -m goby_site.stack`: everything that serves Goby on this machine, until Ctrl-C.

This process imports the project, holds the clone's lock, has the database prepared and says where the site is. supervisord, forked from it,
forks the parts, restarts what dies and stops them. Each dies with its parent, so nothing is left even when one of the two is killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import xmlrpc.client
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from supervisor.xmlrpc import SupervisorTransport

from goby_site import paths
from goby_site.accounts.demo_logins import logins_text
from goby_site.stack import forks
from goby_site.stack.forks import Child
from goby_site.stack.manager import manage
from goby_site.stack.redis_data import mend
from goby_site.stack.redis_server import NoRedisServer, redis_server_binary
from goby_site.stack.supervisord import (
    MANAGE,
    RUNNERS,
    common_parent_socket,
    redis_data_dir,
    supervisor_config,
    supervisor_environment,
    supervisor_socket,
    tied,
)
from scripting.processes.init import leave_process_1

LOCAL = "127.0.0.1"
WILDCARDS = {"0.0.0.0": LOCAL, "::": "::1"}  # noqa: S104 - only for who asks for it
"""Addresses that stand for all of a machine's, and how this machine itself gets there."""


class CannotStart(Exception):
    """Why the stack does not start, and what to do about it."""


class Stopped(BaseException):
    """Ctrl-C or SIGTERM arrived. Not an Exception, so that no library in the middle of something keeps it to itself."""


def say(text: str) -> None:
    """A line for whoever started the stack."""
    print(text, flush=True)


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


def answers_on(path: Path) -> bool:
    """Whether a process takes connections on that Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def last_complaint(log: Path) -> str:
    """The newest line in which Redis says why it ends, to be put after a sentence; empty where there is none."""
    if os.environ.get("REDIS_URL") or not log.exists():
        return ""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-50:]
    said = [line.partition(" # ")[2] for line in lines if " # " in line and "WARNING" not in line]
    return f". It said: {said[-1]}" if said else ""


def read_port() -> int:
    """The environment's PORT, 8000 by default."""
    text = os.environ.get("PORT") or "8000"
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise CannotStart(f"PORT is {text!r}: write a number from 1 to 65535")
    return int(text)


def read_host() -> str:
    """The environment's GOBY_BIND, the address that the site is served at; this machine alone by default."""
    text = os.environ.get("GOBY_BIND") or LOCAL
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise CannotStart(
            f"GOBY_BIND is {text!r}: write an address of this machine, or 0.0.0.0 for all of them"
        ) from None


class Stack:
    """One running stack. `start` brings it up step by step, `watch` returns when it ends, `stop` ends it."""

    def __init__(self, port: int, host: str = LOCAL) -> None:
        self.port = port
        self.host = host
        near = WILDCARDS.get(host, host)
        self.place = f"[{near}]:{port}" if ":" in near else f"{near}:{port}"
        """Where this machine itself finds the site."""
        self.logins = logins_text()
        self.supervisord: Child | None = None
        self.preparing: Child | None = None

    def start(self) -> None:
        """Bring everything up and say where it is. Raises CannotStart, with everything to be stopped by `stop`."""
        self.mend_redis()
        if forks.POSSIBLE:
            forks.load()
        self.start_supervisord()
        self.begin_preparing()
        self.await_redis()
        self.await_prepared()
        self.await_common_parent()
        self.control().startProcessGroup(RUNNERS, False)
        self.await_page()
        say(f"\nGoby is at http://{self.place}/  (logs in {paths.var_dir() / 'log'}; Ctrl-C stops everything)")
        say(self.logins)

    def mend_redis(self) -> None:
        """Make what a power cut left of the data readable. Raises CannotStart when a Redis still writes it."""
        if os.environ.get("REDIS_URL"):
            return
        deadline = time.monotonic() + 10
        while answers_on(paths.socket_dir() / "redis.sock"):
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"A Redis of an earlier start still writes {redis_data_dir()}: stop that process first."
                )
            time.sleep(0.1)
        data = redis_data_dir()
        cut_off = mend(data, redis_server_binary(data))
        if cut_off:
            say(str(cut_off))

    def start_supervisord(self) -> None:
        """Start the process manager with a configuration of its own; so far it runs only Redis."""
        paths.private_dir(paths.var_dir() / "log")
        config = paths.var_dir() / "supervisord.conf"
        config.write_text(supervisor_config(self.host, self.port), encoding="utf-8")
        environment = supervisor_environment()
        # A process group of its own: Ctrl-C reaches this process alone, which stops the others in order.
        if forks.POSSIBLE:
            self.supervisord = forks.begin(lambda: manage(config, environment), "goby: supervisord", group=True)
            return
        command = tied("TERM", sys.executable, "-P", "-m", "supervisor.supervisord", "--nodaemon", "-c", str(config))
        self.supervisord = subprocess.Popen(
            command, cwd=paths.var_dir(), env=os.environ | environment, process_group=0, stdin=subprocess.DEVNULL
        )

    def control(self) -> xmlrpc.client.ServerProxy:
        """supervisord's own interface."""
        transport = SupervisorTransport(serverurl=f"unix://{supervisor_socket()}")
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor  # type: ignore[return-value]

    def await_redis(self) -> None:
        """Wait until Redis answers. Raises CannotStart after 15 s."""
        # Not before `forks.load`, which leaves out what these import on the way and nobody needs.
        import redis

        from scripting.storage.redis_client import connect

        client = connect(paths.redis_url(), os.environ.get("SCRIPTING_REDIS_SENTINELS", ""), socket_connect_timeout=2)

        def answers() -> bool:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

        log = paths.var_dir() / "log" / "redis.log"
        try:
            self.wait_for(answers, 15, f"Redis does not answer; see {log}, or REDIS_URL")
        except CannotStart as problem:
            raise CannotStart(f"{problem}{last_complaint(log)}") from None
        client.close()

    def begin_preparing(self) -> None:
        """Begin to bring the database, the scripts and the demo data up to date, in a process of its own.

        Redis starts meanwhile. What changes here is announced to nobody: no other part runs yet.
        """
        if forks.POSSIBLE:
            self.preparing = forks.begin(lambda: execute_from_command_line(["goby_site", "prepare"]), "goby: prepare")
            return
        self.preparing = subprocess.Popen(tied("TERM", sys.executable, *MANAGE, "prepare"), cwd=paths.BASE_DIR)

    def await_prepared(self) -> None:
        """Wait until that is done. Raises CannotStart when it failed."""
        assert self.preparing is not None
        if self.preparing.wait() != 0:
            raise CannotStart("The database could not be prepared; the reason is above.")

    def await_common_parent(self) -> None:
        """Wait until it answers, a minute at the most: parts that do not find it work too, with a light parent of their own that takes more memory."""
        if forks.POSSIBLE:
            with contextlib.suppress(CannotStart):
                self.wait_for(lambda: answers_on(common_parent_socket()), 60, "the common parent does not answer")

    def await_page(self) -> None:
        """Wait until the site answers. Raises CannotStart after 120 s, long for a busy machine."""

        def answers() -> bool:
            try:
                with urllib.request.urlopen(f"http://{self.place}/healthz", timeout=5) as response:
                    return bool(response.status == 200)
            except OSError:
                return False

        self.wait_for(answers, 120, f"The site does not answer; see {paths.var_dir() / 'log' / 'web.log'}")

    def wait_for(self, condition: Callable[[], bool], seconds: float, message: str) -> None:
        """Ask `condition` until it holds. Raises CannotStart with `message` after `seconds`, or when supervisord ended."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline or self.supervisord is None or self.supervisord.poll() is not None:
                raise CannotStart(message)
            time.sleep(0.1)

    def watch(self) -> int:
        """Block until supervisord ends by itself, which it should not; its exit status."""
        assert self.supervisord is not None
        return self.supervisord.wait()

    def stop(self) -> None:
        """Stop everything in order; what does not stop in 20 s is killed, and its children with it."""
        if self.preparing is not None and self.preparing.poll() is None:
            self.preparing.terminate()
            self.preparing.wait()
        if self.supervisord is None or self.supervisord.poll() is not None:
            return
        self.supervisord.terminate()
        try:
            self.supervisord.wait(20)
        except subprocess.TimeoutExpired:
            self.supervisord.kill()
            self.supervisord.wait()


def raise_stopped(_number: int, _frame: FrameType | None) -> None:
    """The handler of SIGINT and SIGTERM; a second signal does not disturb the stopping."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


def main() -> int:
    """Run the stack in the foreground. 0 after Ctrl-C or SIGTERM, 1 when it could not start or broke down."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "goby_site.settings")
    if forks.POSSIBLE:
        os.environ.setdefault("SCRIPTING_COMMON_PARENT", str(common_parent_socket()))
    leave_process_1()
    os.umask(0o077)
    signal.signal(signal.SIGINT, raise_stopped)
    signal.signal(signal.SIGTERM, raise_stopped)
    try:
        port, host = read_port(), read_host()
        stack = Stack(port, host)
        with hold_lock(f"http://{stack.place}/"):
            check_port(port, host)
            return serve(stack)
    except (CannotStart, NoRedisServer, ImproperlyConfigured) as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except Stopped:
        return 0


def serve(stack: Stack) -> int:
    """Start, wait, and stop whatever happens."""
    try:
        stack.start()
        status = stack.watch()
        raise CannotStart(f"The process manager ended with status {status}; everything it ran ended with it.")
    except Stopped:
        say("\nStopping …")
        return 0
    finally:
        stack.stop()
