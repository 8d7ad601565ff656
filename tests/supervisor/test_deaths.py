"""Killing for real: a sandbox, the light parent, the supervisor. Runs go on where they can, and nothing is left behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from scripting.supervisor.errors import SandboxLost, SandboxUnavailable
from scripting.supervisor.pool import HostFunction, SandboxPool
from tests.support.sandboxes import outcome_of, value_of

MakePool = Callable[..., SandboxPool]
pytestmark = pytest.mark.alone
ASK = HostFunction("ask", "read")


def kill_and_wait(pid: int) -> None:
    pidfd = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        assert select.select([pidfd], [], [], 10)[0], f"{pid} is still there"
    finally:
        os.close(pidfd)


def wait_for_end(pidfd: int) -> bool:
    return bool(select.select([pidfd], [], [], 10)[0])


def test_a_sandbox_killed_between_runs_is_replaced_unnoticed(make_pool: MakePool) -> None:
    pool = make_pool(common_parent="")
    outcome_of(pool, "result = 1")
    (sandbox,) = pool.stats().sandboxes
    kill_and_wait(sandbox.pid)
    assert value_of(outcome_of(pool, "result = 1")) == 1
    (replaced,) = pool.stats().sandboxes
    assert replaced.pid != sandbox.pid


def test_a_killed_light_parent_is_started_again(make_pool: MakePool) -> None:
    pool = make_pool(common_parent="")
    outcome_of(pool, "result = 1")
    before = pool.stats()
    assert before.parent_pid is not None
    sandbox = os.pidfd_open(before.sandboxes[0].pid)
    kill_and_wait(before.parent_pid)
    assert wait_for_end(sandbox), "a sandbox must die with its parent"
    os.close(sandbox)
    assert value_of(outcome_of(pool, "result = 1")) == 1
    assert value_of(outcome_of(pool, "result = 2")) == 2
    assert pool.stats().parent_pid not in {None, before.parent_pid}


def test_a_sandbox_killed_in_a_run_without_host_calls_runs_it_again(make_pool: MakePool) -> None:
    pool = make_pool(common_parent="")
    outcome_of(pool, "result = 1")
    (sandbox,) = pool.stats().sandboxes
    os.kill(sandbox.pid, signal.SIGSTOP)
    runs: list[int] = []

    def run() -> None:
        runs.append(value_of(outcome_of(pool, "result = 1")))

    thread = threading.Thread(target=run)
    thread.start()
    kill_and_wait(sandbox.pid)
    thread.join(20)
    assert runs == [1]


def test_a_sandbox_killed_after_a_host_call_is_our_failure_not_the_scripts(make_pool: MakePool) -> None:
    pool = make_pool(common_parent="")

    def host(_: object) -> bytes:
        (sandbox,) = pool.stats().sandboxes
        kill_and_wait(sandbox.pid)
        return b"\x01"

    with pytest.raises(SandboxLost):
        outcome_of(pool, "result = ask()", functions=[ASK], host=host)


def test_a_light_parent_that_cannot_start_says_what_to_do(make_pool: MakePool, tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho this is no python >&2\nexit 3\n", encoding="ascii")
    broken.chmod(0o755)
    with pytest.raises(SandboxUnavailable, match="this is no python"):
        outcome_of(make_pool(python=str(broken), common_parent=""), "result = 1")


_SUPERVISOR = """
import sys, threading
from scripting.supervisor.pool import HostFunction, SandboxPool
from tests.support.sandboxes import outcome_of
pool = SandboxPool()
outcome_of(pool, "result = 1")
def host(_):
    stats = pool.stats()
    print(stats.parent_pid, *[sandbox.pid for sandbox in stats.sandboxes], flush=True)
    return b"\\x01"
outcome_of(pool, "ask()\\nwhile True: pass", functions=[HostFunction("ask", "read")], host=host)
"""


def test_all_sandboxes_die_with_their_supervisor_even_in_the_middle_of_a_run() -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", _SUPERVISOR], stdout=subprocess.PIPE, cwd=root, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        pidfds = [os.pidfd_open(int(pid)) for pid in supervisor.stdout.readline().split()]
        supervisor.kill()
        assert len(pidfds) == 3
        assert all(wait_for_end(pidfd) for pidfd in pidfds)
    for pidfd in pidfds:
        os.close(pidfd)


def test_a_process_forked_from_the_supervisor_has_sandboxes_of_its_own(make_pool: MakePool) -> None:
    pool = make_pool(common_parent="")
    outcome_of(pool, "result = 1")
    before = pool.stats()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            fine = pool.stats().sandboxes == () and value_of(outcome_of(pool, "result = 5")) == 5
            pool.close()
            status = 0 if fine else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert pool.stats() == before
    assert value_of(outcome_of(pool, "result = 1")) == 1
    assert pool.stats().forks == before.forks
