"""`python -m goby_site.stack.starting`: bring a stack up whose supervisord has begun, say where the site is, and end.

A process of its own beside supervisord: what it needs for this is given back with its end.
"""

from __future__ import annotations

import contextlib
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

from django.core.management import execute_from_command_line
from supervisor.xmlrpc import SupervisorTransport

from goby_site import paths
from goby_site.accounts.demo_logins import logins_text
from goby_site.stack import forks
from goby_site.stack.supervisord import MANAGE, RUNNERS, common_parent_socket, supervisor_socket, tied

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


def raise_stopped(_number: int, _frame: FrameType | None) -> None:
    """The handler of SIGINT and SIGTERM; a second signal does not disturb the stopping."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


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


def place(host: str, port: int) -> str:
    """Where this machine itself finds the site."""
    near = WILDCARDS.get(host, host)
    return f"[{near}]:{port}" if ":" in near else f"{near}:{port}"


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


def bring_up(where: str) -> None:
    """Start everything but what supervisord starts by itself, in order, and say where the site is. Raises CannotStart."""
    preparing = begin_preparing()
    await_redis()
    if preparing.wait() != 0:
        raise CannotStart("The database could not be prepared; the reason is above.")
    await_common_parent()
    control().startProcessGroup(RUNNERS, False)
    await_page(where)
    say(f"\nGoby is at http://{where}/  (logs in {paths.var_dir() / 'log'}; Ctrl-C stops everything)")
    say(logins_text())


def begin_preparing() -> forks.Child:
    """Begin to bring the database, the scripts and the demo data up to date, in a process of its own.

    Redis starts meanwhile. What changes here is announced to nobody: no other part runs yet.
    """
    if forks.POSSIBLE:
        return forks.begin(lambda: execute_from_command_line(["goby_site", "prepare"]), "goby: prepare")
    return subprocess.Popen(tied("TERM", sys.executable, *MANAGE, "prepare"), cwd=paths.BASE_DIR)


def await_redis() -> None:
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
        wait_for(answers, 15, f"Redis does not answer; see {log}, or REDIS_URL")
    except CannotStart as problem:
        raise CannotStart(f"{problem}{last_complaint(log)}") from None
    client.close()


def await_common_parent() -> None:
    """Wait until it answers, a minute at the most: parts that do not find it work too, with a light parent of their own that takes more memory."""
    if forks.POSSIBLE:
        with contextlib.suppress(CannotStart):
            wait_for(lambda: answers_on(common_parent_socket()), 60, "the common parent does not answer")


def control() -> xmlrpc.client.ServerProxy:
    """supervisord's own interface."""
    transport = SupervisorTransport(serverurl=f"unix://{supervisor_socket()}")
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor  # type: ignore[return-value]


def await_page(where: str) -> None:
    """Wait until the site answers. Raises CannotStart after 120 s, long for a busy machine."""

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://{where}/healthz", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    wait_for(answers, 120, f"The site does not answer; see {paths.var_dir() / 'log' / 'web.log'}")


def wait_for(condition: Callable[[], bool], seconds: float, message: str) -> None:
    """Ask `condition` until it holds. Raises CannotStart with `message` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise CannotStart(message)
        time.sleep(0.1)


def main() -> int:
    """0 when the site answers, or when it was stopped before; 1 when the stack cannot start, with the reason on stderr."""
    signal.signal(signal.SIGINT, raise_stopped)
    signal.signal(signal.SIGTERM, raise_stopped)
    try:
        bring_up(place(read_host(), read_port()))
    except CannotStart as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except Stopped:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
