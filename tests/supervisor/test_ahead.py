"""Runs sent to a sandbox ahead of their turn: each has its own outcome and limit, and what one breaks harms no other."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from scripting.sandbox.protocol import RemoteProtocolError, encode_value
from scripting.supervisor import ahead
from scripting.supervisor.channel import Channel
from scripting.supervisor.pool import Cancellation, HostFunction, RunOutcome, RunRequest, SandboxPool
from scripting.types import Bundle, ErrorType, SecurityLimits
from tests.support.sandboxes import CLOCK_US, bundle_of, outcome_of, value_of

LIMITS = SecurityLimits(max_execution_time=60)
"""However busy the machine, a run that ends at once ends in time."""
SHORT = SecurityLimits(max_execution_time=1)
ASK = (HostFunction("ask", "read"),)


@pytest.fixture(autouse=True)
def _however_busy_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECONDS", "PATIENCE_SECONDS"):
        monkeypatch.setattr(ahead, name, 60.0)
    monkeypatch.setattr(ahead, "SLOW_US", 60_000_000)


def requests_of(values: Sequence[Any], functions: tuple[HostFunction, ...] = ()) -> list[RunRequest]:
    return [RunRequest(encode_value({"n": n}), seed, CLOCK_US, functions) for seed, n in enumerate(values)]


def run_ahead(
    pool: SandboxPool,
    bundle: Bundle,
    values: Sequence[Any],
    functions: tuple[HostFunction, ...] = (),
    limits: SecurityLimits = LIMITS,
) -> list[RunOutcome]:
    """In a sandbox that has run it once."""
    outcome_of(pool, bundle, {"n": values[0]}, limits=limits, functions=functions, host=lambda _: b"\x01")
    requests = requests_of(values, functions)
    return pool.run_ahead(bundle, requests, limits, [Cancellation() for _ in requests])


def test_runs_sent_ahead_come_to_what_they_come_to_one_by_one(pool: SandboxPool) -> None:
    bundle = bundle_of("log(n)\nresult = [n, rand()]")
    outcomes = run_ahead(pool, bundle, range(8))
    alone = [pool.run(bundle, request, LIMITS) for request in requests_of(range(8))]
    assert [(each.result, each.logs) for each in outcomes] == [(each.result, each.logs) for each in alone]
    assert all(each.metrics.wall_us >= each.metrics.cpu_us for each in outcomes)
    assert all(0 <= us <= each.metrics.wall_us for each in outcomes for us in each.log_us)


def test_a_failed_run_is_an_outcome_and_those_after_it_run(pool: SandboxPool) -> None:
    first, second, third = run_ahead(pool, bundle_of("result = 6 // n"), [1, 0, 2])
    assert second.error is not None
    assert second.error.line == 1
    assert [value_of(first), value_of(third)] == [6, 3]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "kind", "limits"),
    [
        ("while n == 2:\n    pass\nresult = n", ErrorType.TIMEOUT, SHORT),
        ("result = len('x' * 200_000_000) if n == 2 else n", ErrorType.MEMORY_LIMIT, LIMITS),
    ],
)
def test_a_run_that_goes_over_a_limit_ends_the_row_and_takes_no_other_with_it(
    make_pool: Callable[..., SandboxPool], text: str, kind: ErrorType, limits: SecurityLimits
) -> None:
    pool, bundle = make_pool(), bundle_of(text)
    outcomes = run_ahead(pool, bundle, [0, 1, 2, 3], limits=limits)
    assert [value_of(each) for each in outcomes[:2]] == [0, 1]
    rest = [pool.run(bundle, request, limits) for request in requests_of([0, 1, 2, 3])[len(outcomes) :]]
    third, last = [*outcomes, *rest][2:]
    assert third.error is not None
    assert third.error.type is kind
    assert value_of(last) == 3


def test_a_run_that_calls_its_module_is_left_out_and_its_script_is_not_sent_ahead_again(
    make_pool: Callable[..., SandboxPool],
) -> None:
    pool, bundle = make_pool(), bundle_of("result = ask() if n == 2 else n")
    assert [value_of(each) for each in run_ahead(pool, bundle, [0, 1, 2, 3], ASK)] == [0, 1]
    assert value_of(outcome_of(pool, bundle, {"n": 2}, limits=LIMITS, functions=ASK, host=lambda _: b"\x07")) == 7
    assert run_ahead(pool, bundle, [0, 1], ASK) == []


def test_a_cancelled_run_ends_the_row_before_it(pool: SandboxPool) -> None:
    bundle = bundle_of("result = n + 1")
    run_ahead(pool, bundle, [0, 1])
    cancellations = [Cancellation() for _ in range(4)]
    cancellations[2].cancel()
    outcomes = pool.run_ahead(bundle, requests_of(range(4)), LIMITS, cancellations)
    assert [value_of(each) for each in outcomes] == [1, 2]


def test_a_frame_over_the_cap_is_told_of_behind_those_before_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"\0\0\0\1a" + b"\0\0\0\2bc" + b"\0\1\0\0")
        channel = Channel(ours)
        bodies, begun = channel.receive_all(b"", 5, time.monotonic() + 5, 100)
        assert bodies == [b"a", b"bc"]
        with pytest.raises(RemoteProtocolError):
            channel.receive_all(begun, 5, time.monotonic() + 5, 100)
