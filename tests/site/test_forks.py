"""Processes that the stack forks from itself begin and end as programs of their own do."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.processes import alive, child_environment
from tests.support.stack import wait_until

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="parts are forked on Linux only"),
]

BEGINNING = """
import os, signal, sys, threading, time, random
from goby_site.stack import forks
signal.signal(signal.SIGTERM, lambda *_: print("the parent's handler"))
held = os.open("/dev/null", os.O_RDONLY)
"""


def said(program: str, environment: Mapping[str, str] | None = None) -> list[str]:
    """The lines that a program prints which has begun so."""
    command = [sys.executable, "-c", BEGINNING + program]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, timeout=300
    ).stdout.splitlines()


def test_a_fork_has_its_own_name_signals_and_chance_and_none_of_the_parents_files() -> None:
    child = """
def run():
    print(open("/proc/self/comm").read().strip(), open("/proc/self/cmdline").read().strip(chr(0)))
    print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, random.random())
    os.fstat(held)
print(random.random())
print(forks.begin(run, "goby: one").wait(20))
"""
    first, name, own, status = said(child)
    assert name == "goby: one goby: one"
    assert own.split()[0] == "True"
    assert own.split()[1] != first
    assert status == "1", "the parent's file is closed"


@pytest.mark.parametrize(
    ("program", "status"),
    [("pass", 0), ("sys.exit(7)", 7), ("sys.exit('why')", 1), ("1 / 0", 1), ("os.kill(os.getpid(), 15)", -15)],
)
def test_a_fork_ends_as_a_program_does(program: str, status: int) -> None:
    thread = "threading.Thread(target=lambda: (time.sleep(0.05), print('its thread'))).start()"
    lines = said(f"""
def run():
    {thread}
    {program}
child = forks.begin(run, "x")
print(child.wait(20), child.poll())
""")
    assert lines[-1] == f"{status} {status}"
    assert ("its thread" in lines) == (status >= 0), "threads are waited for, unless a signal ends it"


def test_a_fork_dies_with_its_parent(tmp_path: Path) -> None:
    program = f"""
def run():
    open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
    time.sleep(60)
forks.begin(run, "x").wait()
"""
    parent = subprocess.Popen([sys.executable, "-c", BEGINNING + program])
    pid = int(wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(20)
    deadline = time.monotonic() + 20
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pid)


NO_SERVER = "postgresql://nobody@127.0.0.1:1/none"


@functools.cache
def loaded(database: str) -> dict[str, object]:
    """The state of a process that is about to fork the parts of a site on this database."""
    program = """
import json
forks.load()
import scripting.engine
has = {"modules": [name for name in ("rich", "opentelemetry", "RestrictedPython", "psycopg") if name in sys.modules]}
from django.db import connections
from scripting.registry import active, reading
has["compiled for"] = [list(query._compiled) for query in (active._newest_change, reading._all)]
has["is connected"] = connections["default"].connection is not None
import opentelemetry, rich, psycopg
print(json.dumps(has))
"""
    [line] = said(program, child_environment(DATABASE_URL=database))
    return dict(json.loads(line))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("database", "there"),
    [("sqlite:///none.sqlite3", []), pytest.param(NO_SERVER, ["psycopg"], marks=pytest.mark.once)],
)
def test_what_no_part_needs_is_not_imported_and_can_be_later(database: str, there: list[str]) -> None:
    """Among it what compiles scripts: that is for sandboxes."""
    assert loaded(database)["modules"] == there


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("database", ["sqlite:///none.sqlite3", NO_SERVER])
def test_queries_are_compiled_before_the_fork_without_the_database(database: str) -> None:
    has = loaded(database)
    assert (has["compiled for"], has["is connected"]) == ([["default"], ["default"]], False)


def test_a_part_that_gets_the_number_of_the_start_which_has_ended_stops_nothing_when_it_dies() -> None:
    program = """
from goby_site.stack.manager import _Options
starting = forks.begin(lambda: None, "goby: start")
options = _Options(starting)
def reaped():
    while (found := options.waitpid())[0] in (0, None):
        time.sleep(0.01)
    return found
number = starting.pid
print(reaped() == (number, 0), options.failed)
part = forks.begin(lambda: sys.exit(1), "goby: part")
starting.pid = part.pid
print(reaped()[0] == part.pid, options.failed)
failing = forks.begin(lambda: sys.exit(1), "goby: start")
options = _Options(failing)
print(reaped()[0] == failing.pid, options.failed)
"""
    assert said(program) == ["True False", "True False", "True True"]


@pytest.mark.parametrize(("before", "seen"), [("signal.SIG_DFL", str(int(signal.SIGTERM))), ("signal.SIG_IGN", "None")])
def test_a_closed_terminal_stops_what_was_not_started_to_go_on_without_it(before: str, seen: str) -> None:
    program = f"""
from goby_site.stack.manager import _Options
signal.signal(signal.SIGHUP, {before})
options = _Options(forks.begin(lambda: None, "goby: start"))
options.setsignals()
os.kill(os.getpid(), signal.SIGHUP)
while (found := options.get_signal()) == signal.SIGCHLD:  # the start has ended already
    pass
print(found and int(found))
part = forks.begin(lambda: os.kill(os.getpid(), signal.SIGHUP), "goby: part")
print(part.wait(20))
"""
    assert said(program) == [seen, "0" if seen == "None" else str(-signal.SIGHUP)]
