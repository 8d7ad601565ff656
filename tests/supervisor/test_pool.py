"""The pool: warm sandboxes by bundle, a cap with the least recently used making room, retirement, trials, threads, cancelling."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scripting.sandbox.protocol import encode_value
from scripting.supervisor.errors import PoolClosed, SandboxUnavailable
from scripting.supervisor.pool import Cancellation, HostCall, HostFunction, SandboxPool
from scripting.types import ErrorType, SecurityLimits
from tests.support.sandboxes import bundle_of, outcome_of, value_of

MakePool = Callable[..., SandboxPool]
WAIT = HostFunction("wait", "read")


def pids(pool: SandboxPool) -> list[int]:
    return [sandbox.pid for sandbox in pool.stats().sandboxes]


def test_the_second_run_of_a_bundle_finds_its_sandbox_warm(make_pool: MakePool) -> None:
    pool = make_pool()
    first = outcome_of(pool, "result = n + 1", {"n": 1})
    before = pids(pool)
    second = outcome_of(pool, "result = n + 1", {"n": 2})
    assert [value_of(first), value_of(second)] == [2, 3]
    assert pids(pool) == before
    assert first.metrics.compile_us > 0
    assert second.metrics.compile_us == 0
    assert pool.stats().forks == 1


@pytest.mark.skipif(
    not Path("/proc/self/io").exists() or os.geteuid() != 0,
    reason="only root sees the account of another user's process",
)
def test_a_warm_run_is_one_read_and_one_write_of_its_sandbox_and_as_many_bytes_as_its_values(
    make_pool: MakePool,
) -> None:
    pool = make_pool()
    bundle = bundle_of("result = {'n': n + 1}")
    outcome_of(pool, bundle, {"n": 1})
    account = Path(f"/proc/{pids(pool)[0]}/io")

    def counts() -> list[int]:
        return [int(line.split()[1]) for line in account.read_text().splitlines()[:4]]

    before = counts()
    for _ in range(10):
        assert value_of(outcome_of(pool, bundle, {"n": 1})) == {"n": 2}
    read, written, reads, writes = (after - earlier for after, earlier in zip(counts(), before, strict=True))
    assert (reads, writes) == (10, 10)
    assert read <= 10 * (len(encode_value({"n": 1})) + 24)
    assert written <= 10 * (len(encode_value({"n": 2})) + 24)


@pytest.mark.skipif(
    not Path("/proc/self/io").exists() or os.geteuid() != 0,
    reason="only root sees the account of another user's process",
)
def test_short_runs_after_one_that_took_much_memory_forget_its_peak_once_and_a_long_one_is_told_its_own(
    make_pool: MakePool,
) -> None:
    pool = make_pool()
    bundle = bundle_of("result = len(b'x' * size) + sum(range(count))")

    def run(size: int, count: int) -> int:
        return outcome_of(pool, bundle, {"size": size, "count": count}).metrics.memory_bytes

    assert run(8 << 20, 100_000) >= (8 << 20) - (256 << 10)  # the mark is no finer than this
    account = Path(f"/proc/{pids(pool)[0]}/io")

    def writes() -> int:
        return int(account.read_text().splitlines()[3].split()[1])

    before = writes()
    for _ in range(10):
        run(1, 1)
    assert writes() - before == 11
    assert run(1, 100_000) < 1 << 20


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells what a process has loaded")
def test_the_light_parent_loads_no_archives_and_so_no_threads_for_which_each_sandbox_would_pay(
    make_pool: MakePool,
) -> None:
    """The library's archives bring threads, which every fork looks through: 0.4 MB that a sandbox then has for itself."""
    pool = make_pool()
    pool.prepare()
    loaded = Path(f"/proc/{pool.stats().parent_pid}/maps").read_text()
    assert "msgspec" in loaded
    assert not {name for name in ("_lzma", "_bz2") if name in loaded}


@pytest.mark.slow
def test_a_process_forked_from_ours_has_sandboxes_of_its_own(make_pool: MakePool) -> None:
    pool = make_pool()
    bundle, limits = bundle_of("result = n + 1"), SecurityLimits()
    outcome_of(pool, bundle, {"n": 1}, limits=limits)
    outcome_of(pool, bundle, {"n": 1}, limits=limits)
    forked = os.fork()
    if forked == 0:
        status = 1
        with contextlib.suppress(BaseException):
            status = 0 if value_of(outcome_of(pool, bundle, {"n": 2}, limits=limits)) == 3 else 2
            pool.close()
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]) == 0
    assert value_of(outcome_of(pool, bundle, {"n": 3}, limits=limits)) == 4
    assert pool.stats().forks == 1


def test_nothing_of_one_run_is_left_for_the_next(make_pool: MakePool) -> None:
    pool = make_pool()
    text = (
        "import collections, math, random\nlog(str('left' in get_context()))\n"
        "try:\n    left\n    result = 'found'\nexcept NameError:\n    result = 'clean'\nleft = 1\nvalues.append(1)\nlog(len(values))"
    )
    for _ in range(3):
        outcome = outcome_of(pool, text, {"values": []})
        assert value_of(outcome) == "clean"
        assert outcome.logs == ("False", "1")
    assert pool.stats().forks == 1


SLOW_LOG = {
    "python": "log('before')\nwait()\nprint('after')\nresult = 1\n",
    "tengo": 'log("before")\nwait()\nlog("after")\nresult := 1\n',
}


@pytest.mark.parametrize("language", SLOW_LOG)
def test_each_line_of_the_log_has_its_time_within_the_run_also_in_a_warm_sandbox(
    make_pool: MakePool, language: str
) -> None:
    pool = make_pool()

    def host(_: HostCall) -> bytes:
        time.sleep(0.02)  # what the second line comes at least so much later than the first
        return b"\xc0"

    for _ in range(2):
        outcome = outcome_of(pool, SLOW_LOG[language], language=language, functions=[WAIT], host=host)
        assert outcome.logs == ("before", "after")
        before, after = outcome.log_us
        assert before >= 0
        assert after - before >= 20_000
        assert after <= outcome.metrics.wall_us


def test_another_bundle_limit_or_set_of_functions_has_a_sandbox_of_its_own(make_pool: MakePool) -> None:
    pool = make_pool()
    outcome_of(pool, "result = 1")
    outcome_of(pool, "result = 2")
    outcome_of(pool, "result = 1", limits=SecurityLimits(max_memory_bytes=64 << 20))
    outcome_of(pool, "result = 1", functions=[WAIT])
    assert len(set(pids(pool))) == 4


def test_the_least_recently_used_sandbox_makes_room(make_pool: MakePool) -> None:
    pool = make_pool(max_sandboxes=2)
    one, two, three = (bundle_of(f"result = {n}") for n in range(3))
    outcome_of(pool, one)
    outcome_of(pool, two)
    outcome_of(pool, one)
    outcome_of(pool, three)
    assert {sandbox.digest for sandbox in pool.stats().sandboxes} == {one.digest, three.digest}


def test_a_sandbox_is_retired_after_its_number_of_runs(make_pool: MakePool) -> None:
    pool = make_pool(runs_per_sandbox=3)
    seen = set()
    for _ in range(7):
        outcome_of(pool, "result = 1")
        seen.update(pids(pool))
    assert pool.stats().forks == 3
    assert len(seen) == 3


@pytest.mark.slow
def test_a_sandbox_is_retired_after_a_breach_and_kept_after_a_plain_error(make_pool: MakePool) -> None:
    pool = make_pool()
    outcome_of(pool, "1 / 0")
    assert len(pids(pool)) == 1
    outcome_of(pool, "while True: pass", limits=SecurityLimits(max_execution_time=0.2))
    assert len(pids(pool)) == 1


def test_a_trial_has_a_process_of_its_own_that_is_gone_afterwards(make_pool: MakePool) -> None:
    pool = make_pool()
    outcome_of(pool, "result = 1")
    warm = pids(pool)
    assert value_of(outcome_of(pool, "result = 1", trial=True)) == 1
    assert pids(pool) == warm
    assert pool.stats().forks == 2


def test_a_setting_gives_every_run_its_own_process(make_pool: MakePool) -> None:
    pool = make_pool(process_per_run=True)
    for _ in range(3):
        outcome_of(pool, "result = 1")
    assert pool.stats().forks == 3
    assert pids(pool) == []


@pytest.mark.slow
def test_eight_threads_run_side_by_side_and_each_gets_its_own_answer(make_pool: MakePool) -> None:
    pool = make_pool(max_sandboxes=6)
    texts = ["result = [n, 'a']", "result = [n, 'b']", "result = [n, 'c']"]

    def run(number: int) -> bool:
        text = texts[number % 3]
        return bool(value_of(outcome_of(pool, text, {"n": number})) == [number, text[-3]])

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(run, range(400)))
    stats = pool.stats()
    assert len(stats.sandboxes) <= 6
    assert not any(sandbox.busy for sandbox in stats.sandboxes)


def test_one_bundle_runs_in_several_sandboxes_at_once(make_pool: MakePool) -> None:
    pool = make_pool()
    together = threading.Barrier(2, timeout=60)

    def host(_: object) -> bytes:
        together.wait()
        return b"\x01"

    with ThreadPoolExecutor(2) as threads:
        runs = [threads.submit(outcome_of, pool, "result = wait()", functions=[WAIT], host=host) for _ in range(2)]
        assert [value_of(run.result(timeout=60)) for run in runs] == [1, 1]
    assert len(pids(pool)) == 2


def test_a_run_waits_for_a_place_and_is_refused_after_a_bounded_time(make_pool: MakePool) -> None:
    pool = make_pool(max_sandboxes=1, wait_seconds=0.1)
    busy, release = threading.Event(), threading.Event()

    def host(_: object) -> bytes:
        busy.set()
        assert release.wait(20)
        return b"\x01"

    with ThreadPoolExecutor(1) as threads:
        run = threads.submit(outcome_of, pool, "result = wait()", functions=[WAIT], host=host)
        assert busy.wait(20)
        with pytest.raises(SandboxUnavailable, match="busy"):
            outcome_of(pool, "result = 2")
        release.set()
        assert value_of(run.result(timeout=60)) == 1
    assert value_of(outcome_of(pool, "result = 2")) == 2


def test_cancelling_ends_a_run_from_another_thread(make_pool: MakePool) -> None:
    pool = make_pool()
    cancellation, started = Cancellation(), threading.Event()

    def host(_: object) -> bytes:
        started.set()
        return b"\x01"

    with ThreadPoolExecutor(1) as threads:
        run = threads.submit(
            outcome_of, pool, "wait()\nwhile True: pass", functions=[WAIT], host=host, cancellation=cancellation
        )
        assert started.wait(20)
        time.sleep(0.01)  # what the run takes at the least
        cancellation.cancel()
        outcome = run.result(timeout=4)
    assert outcome.cancelled
    assert outcome.metrics.wall_us >= 10_000, "what it took until then is told"
    assert outcome.error is None
    assert outcome.result is None


def test_cancelling_before_the_run_starts_nothing(make_pool: MakePool) -> None:
    pool = make_pool()
    cancellation = Cancellation()
    cancellation.cancel()
    assert outcome_of(pool, "result = 1", cancellation=cancellation).cancelled
    assert pool.stats().forks == 0


def test_cancelling_after_the_run_harms_no_later_run(make_pool: MakePool) -> None:
    pool = make_pool()
    cancellation = Cancellation()
    assert value_of(outcome_of(pool, "result = 1", cancellation=cancellation)) == 1
    cancellation.cancel()
    assert value_of(outcome_of(pool, "result = 1")) == 1
    assert pool.stats().forks == 1


def test_a_closed_pool_leaves_no_process_and_says_so(make_pool: MakePool) -> None:
    pool = make_pool()
    outcome_of(pool, "result = 1")
    pool.close()
    assert pids(pool) == []
    with pytest.raises(PoolClosed):
        outcome_of(pool, "result = 1")


@pytest.mark.slow
def test_an_unknown_language_is_a_compilation_error(make_pool: MakePool) -> None:
    outcome = outcome_of(make_pool(), "result = 1", language="cobol")
    assert outcome.error is not None
    assert outcome.error.type is ErrorType.COMPILATION
    assert "cobol" in outcome.error.message
