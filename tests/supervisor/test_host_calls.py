"""Functions that a module exposes: arguments and answers as bytes, refusals, limits, and our own failures."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from scripting.sandbox.protocol import decode_value, encode_value
from scripting.supervisor.pool import HostCall, HostCallRefused, HostFunction, SandboxPool
from scripting.types import ErrorType, SecurityLimits
from tests.support.sandboxes import outcome_of, value_of

MakePool = Callable[..., SandboxPool]
DAMAGE = HostFunction("calculate_damage", "pure")


def test_a_call_brings_its_arguments_and_takes_back_the_answer(pool: SandboxPool) -> None:
    calls: list[HostCall] = []

    def host(call: HostCall) -> bytes:
        calls.append(call)
        return encode_value({"damage": 7})

    text = "result = calculate_damage({'id': 1}, 2, critical=True)['damage'] + 1"
    outcome = outcome_of(pool, text, functions=[DAMAGE], host=host)
    assert value_of(outcome) == 8
    assert decode_value(calls[0].arguments) == [[{"id": 1}, 2], {"critical": True}]
    assert calls[0].name == "calculate_damage"
    assert outcome.metrics.host_calls == 1


def test_the_wait_for_an_answer_is_no_processor_time_of_the_run(pool: SandboxPool) -> None:
    def host(_: HostCall) -> bytes:
        time.sleep(0.05)
        return b"\xc0"

    text = "result = calculate_damage() if slow else 1"
    for slow in [False] * 3 + [True]:
        metrics = outcome_of(pool, text, {"slow": slow}, functions=[DAMAGE], host=host).metrics
    assert metrics.wall_us > 50_000
    assert 0 < metrics.cpu_us < 20_000


def test_a_refusal_is_an_error_at_the_line_of_the_call_that_a_script_can_catch(pool: SandboxPool) -> None:
    def host(_: HostCall) -> bytes:
        raise HostCallRefused("no such unit")

    outcome = outcome_of(pool, "x = 1\nresult = calculate_damage()", functions=[DAMAGE], host=host)
    assert outcome.error is not None
    assert outcome.error.type is ErrorType.EXECUTION
    assert "no such unit" in outcome.error.message
    assert outcome.error.line == 2
    text = "try:\n    calculate_damage()\nexcept Exception as error:\n    result = str(error)"
    assert value_of(outcome_of(pool, text, functions=[DAMAGE], host=host)) == "no such unit"


def test_our_own_failure_in_a_host_function_propagates_and_ends_the_sandbox(make_pool: MakePool) -> None:
    pool = make_pool()

    def host(_: HostCall) -> bytes:
        raise ZeroDivisionError("ours")

    with pytest.raises(ZeroDivisionError, match="ours"):
        outcome_of(pool, "result = calculate_damage()", functions=[DAMAGE], host=host)
    assert pool.stats().sandboxes == ()


def test_too_many_calls_are_refused_inside_the_script(pool: SandboxPool) -> None:
    limits = SecurityLimits(max_host_calls=3)
    text = "n = 0\nwhile True:\n    try:\n        calculate_damage()\n        n += 1\n    except Exception:\n        break\nresult = n"
    outcome = outcome_of(pool, text, functions=[DAMAGE], host=lambda _: b"\x01", limits=limits)
    assert value_of(outcome) == 3


def test_the_time_of_host_functions_counts(pool: SandboxPool) -> None:
    import threading

    def host(call: HostCall) -> bytes:
        threading.Event().wait(0.4)
        return b"\x01"

    limits = SecurityLimits(max_execution_time=0.3)
    outcome = outcome_of(pool, "result = calculate_damage()", functions=[DAMAGE], host=host, limits=limits)
    assert outcome.error is not None
    assert outcome.error.type is ErrorType.TIMEOUT


@pytest.mark.parametrize("argument", ["{1, 2}", "10**30", "lambda: 1", "now()"])
def test_arguments_that_are_not_plain_data_are_an_error_of_the_script(pool: SandboxPool, argument: str) -> None:
    outcome = outcome_of(pool, f"result = calculate_damage({argument})", functions=[DAMAGE], host=lambda _: b"\x01")
    assert outcome.error is not None
    assert outcome.error.type is ErrorType.EXECUTION
    assert "calculate_damage(): argument 1 is " in outcome.error.message
