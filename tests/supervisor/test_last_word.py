"""A run that is stopped, for its time or by a cancel, still tells where it was and what it had logged; where it cannot, it is killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from scripting.sandbox.protocol import decode_value
from scripting.supervisor import sandbox
from scripting.supervisor.pool import Cancellation, HostFunction, RunOutcome, SandboxPool
from scripting.types import ErrorType, SecurityLimits
from tests.support.sandboxes import bundle_of, outcome_of

LIMITS = SecurityLimits(max_execution_time=0.5)
WAIT = HostFunction("wait", "read")
SWALLOWS_ALL = "while True:\n    try:\n        while True: n += 1\n    except BaseException:\n        log('caught')\n"

SPOKEN = {
    "a loop": ("log('begun')\nn = 0\nwhile True:\n    n += 1", {3, 4}),
    "except and finally": (f"log('begun')\nn = 0\n{SWALLOWS_ALL}    finally:\n        continue", {5}),
    "the finally of a generator": (
        "log('begun')\ndef g():\n    try:\n        yield\n    finally:\n        while True: pass\nx = g()\nnext(x)\n",
        {6},
    ),
    "the key of a sort": ("log('begun')\ndef key(x):\n    while True: pass\nsorted([2, 1], key=key)", {3}),
    "the text of an exception": (
        "log('begun')\nclass E(Exception):\n    def __str__(self):\n        while True: pass\nraise E()",
        {4},
    ),
    "an equality": (
        "log('begun')\nclass A:\n    def __eq__(self, other):\n        while True: pass\nA() in [A()]",
        {4},
    ),
}
STUCK = {
    "a float in a range": "log('lost')\nresult = 0.5 in range(10 ** 13)",
    "a sum": "log('lost')\nresult = sum(range(10 ** 13))",
    "an iterator without end": "import itertools\nlog('lost')\nresult = 'x' in itertools.repeat(1)",
}


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that is busy may take long for a handler; what is told does not depend on it."""
    monkeypatch.setattr(sandbox, "LAST_WORD_SECONDS", 20.0)


def timed_out(outcome: RunOutcome) -> RunOutcome:
    assert outcome.error is not None
    assert outcome.error.type is ErrorType.TIMEOUT
    assert outcome.error.message == "the script ran longer than 0.5 s"
    assert (outcome.result, outcome.cancelled) == (None, False)
    return outcome


@pytest.mark.slow
@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("name", SPOKEN)
def test_a_run_out_of_time_tells_its_line_and_its_log(pool: SandboxPool, name: str) -> None:
    text, lines = SPOKEN[name]
    outcome = timed_out(outcome_of(pool, text, limits=LIMITS))
    assert outcome.error is not None
    assert outcome.error.script == "test/script"
    assert outcome.error.line in lines
    assert outcome.error.excerpt == text.split("\n")[outcome.error.line - 1]
    assert (outcome.logs, outcome.log_truncated, len(outcome.log_us)) == (("begun",), False, 1)
    assert LIMITS.max_execution_time * 1e6 <= outcome.metrics.wall_us


@pytest.mark.slow
@pytest.mark.usefixtures("patient")
def test_the_line_is_that_of_the_helper_where_it_is_there(pool: SandboxPool) -> None:
    helper = "def count(n):\n    while True:\n        n += 1\n"
    text = "from shared.loops import count\nlog('begun')\ncount(1)"
    error = timed_out(outcome_of(pool, text, helpers={"loops": helper}, limits=LIMITS)).error
    assert error is not None
    assert error.script == "shared/loops"
    assert error.line in {2, 3}


@pytest.mark.slow
@pytest.mark.usefixtures("patient")
def test_tengo_tells_its_line_and_its_log_too(pool: SandboxPool) -> None:
    text = 'log("begun")\nn := 0\nfor {\n  n += 1\n}\n'
    outcome = timed_out(outcome_of(pool, text, language="tengo", limits=LIMITS))
    assert outcome.error is not None
    assert outcome.error.line in {3, 4}
    assert outcome.logs == ("begun",)


@pytest.mark.slow
@pytest.mark.parametrize("name", STUCK)
def test_a_run_stuck_in_one_operation_is_killed_in_time_without_its_log(pool: SandboxPool, name: str) -> None:
    started = time.monotonic()
    outcome = timed_out(outcome_of(pool, STUCK[name], limits=LIMITS))
    assert time.monotonic() - started < LIMITS.max_execution_time + 15, "left alone it takes for ever"
    assert outcome.error is not None
    assert outcome.error.line is None
    assert (outcome.logs, outcome.log_truncated) == ((), True), "the log is lost, and told so"
    taken = outcome.metrics.wall_us / 1e6
    assert taken >= LIMITS.max_execution_time + sandbox.LAST_WORD_SECONDS, "what it really took until it was killed"


def cancelled_when_called(pool: SandboxPool, text: str, *, answers: bool = True, frozen: bool = False) -> RunOutcome:
    """The outcome of a run cancelled in or after its host call, by which its process may have come to a standstill."""
    cancellation, called, done = Cancellation(), threading.Event(), threading.Event()

    def host(_: object) -> bytes:
        if frozen:
            (pid,) = (box.pid for box in pool.stats().sandboxes if box.busy)
            os.kill(pid, signal.SIGSTOP)
        called.set()
        assert answers or done.wait(20)
        return b"\x01"

    with ThreadPoolExecutor(1) as threads:
        run = threads.submit(outcome_of, pool, text, functions=[WAIT], host=host, cancellation=cancellation)
        assert called.wait(20)
        cancellation.cancel()
        done.set()
        outcome = run.result(timeout=60)
    assert (outcome.cancelled, outcome.error, outcome.result) == (True, None, None)
    return outcome


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("answers", [True, False], ids=["running", "waiting for its host"])
def test_a_cancelled_run_keeps_its_log(pool: SandboxPool, answers: bool) -> None:
    outcome = cancelled_when_called(pool, f"n = 0\nlog('begun')\nwait()\n{SWALLOWS_ALL}", answers=answers)
    assert (outcome.logs, outcome.log_truncated) == (("begun",), False)


def test_a_cancelled_run_whose_process_does_not_answer_is_killed_without_its_log(pool: SandboxPool) -> None:
    outcome = cancelled_when_called(pool, "log('lost')\nwait()", frozen=True)
    assert (outcome.logs, outcome.log_truncated) == ((), True)


@pytest.mark.slow
def test_no_run_is_told_what_another_logged_however_close_to_the_limit_it_ends(pool: SandboxPool) -> None:
    bundle = bundle_of("log(number)\nfor i in range(turns): pass\nresult = number")
    limits = replace(LIMITS, max_execution_time=0.02)
    turns, done = 200_000, 0
    for number in range(150):
        outcome = outcome_of(pool, bundle, {"number": number, "turns": turns}, limits=limits)
        if outcome.error is None:
            assert decode_value(outcome.result or b"") == number
            assert outcome.logs == (str(number),)
            done += 1
            turns += turns // 8
        else:
            assert outcome.error.type is ErrorType.TIMEOUT
            assert outcome.logs in {(), (str(number),)}
            turns -= turns // 8  # so that about every second run ends in time
    assert 0 < done < 150
