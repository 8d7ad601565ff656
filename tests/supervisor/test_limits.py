"""Requirements 8.3, 8.4, 8.5: each limit ends the script within the limit plus a second, as its own error, and harms nobody else."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripting.sandbox.protocol import decode_value, encode_value
from scripting.supervisor.pool import HostCall, HostFunction, SandboxPool
from scripting.types import ErrorType, SecurityLimits
from tests.support.sandboxes import bundle_of, outcome_of, value_of

LIMITS = SecurityLimits(max_execution_time=0.5)
SHORT = SecurityLimits(max_execution_time=0.15)
"""For what takes all of its time, and says nothing before."""
NEIGHBOUR = "result = 40 + 2"

TIMEOUTS = {
    "endless loop": "while True: pass",
    "endless loop that catches all": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "float in a range": "result = 0.5 in range(10 ** 13)",
    "backtracking": 'import re\nresult = re.match("(a+)+$", "a" * 40 + "b")',
    "endless finally of a generator": "def g():\n    try:\n        yield\n    finally:\n        while True: pass\nx = g()\nnext(x)\n",
    "endless finally in a cycle": (
        "def g():\n    try:\n        yield\n    finally:\n        while True: pass\nclass A: pass\na = A()\na.a = a\na.g = g()\n"
        "next(a.g)\n"
    ),
    "endless text of an exception": "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E()",
}
MEMORY = {
    "one large list": "x = [0] * 10 ** 9",
    "growing text": 's = "x"\nwhile True: s += s',
    "growing dict": "d = {}\nfor i in range(10 ** 8): d[i] = i",
}
DEEP = {
    "deep tuple hash": "t = ()\nfor i in range(1_000_000): t = (t,)\n{t: 1}",
    "deep list text": "t = []\nfor i in range(100_000): t = [t]\nstr(t)",
    "deep equality": "a, b = [], []\nfor i in range(100_000): a, b = [a], [b]\nresult = a == b",
    "chained generators": "g = iter([1])\nfor i in range(300_000): g = (x for x in g)\nresult = list(g)",
    "recursion": "def f(n): return f(n + 1)\nf(0)",
    "recursion by an operator": "class A:\n    def __eq__(self, other): return self == other\nA() == A()",
    "recursion by sorting": "def f(x): return sorted([1, 2], key=f)\nf(1)",
}
COMPILE = {
    "100 000 nested brackets": "x = " + "(" * 100_000 + ")" * 100_000,
    "100 000 open brackets": "[" * 100_000,
    "100 000 signs": "result = " + "-" * 100_000 + "1",
    "100 000 sums": "result = " + "+".join("a" * 100_000),
    "twenty nested comprehensions": "y = [1]\nresult = " + "[x for x in " * 20 + "y" + "]" * 20,
    "comprehensions inside comprehensions": "y = [1]\nresult = " + "[" * 20 + "x" + " for x in y]" * 20,
    "eighteen nested finally": "".join(f"{' ' * n}try:\n{' ' * n} pass\n{' ' * n}finally:\n" for n in range(18))
    + " " * 18
    + "pass\n",
    "5 000 lambdas": "result = " + "lambda: " * 5000 + "1",
    "50 000 attributes": "x = 1\nresult = x" + ".real" * 50_000,
    "99 nested blocks": "".join(" " * n + "if 1:\n" for n in range(99)) + " " * 99 + "pass",
    "too many bytes": "# " + "x" * (256 << 10),
    "too many lines": "\n" * 20_001,
}


def neighbour_is_unharmed(pool: SandboxPool) -> None:
    assert value_of(outcome_of(pool, NEIGHBOUR)) == 42


@pytest.mark.slow
@pytest.mark.parametrize("name", TIMEOUTS)
def test_a_run_over_its_time_is_killed_and_told_as_timeout(pool: SandboxPool, name: str) -> None:
    started = time.monotonic()
    outcome = outcome_of(pool, TIMEOUTS[name], limits=SHORT)
    assert time.monotonic() - started < SHORT.max_execution_time + 15, "left alone it takes for ever"
    assert outcome.error is not None
    assert outcome.error.type is ErrorType.TIMEOUT
    assert outcome.result is None
    neighbour_is_unharmed(pool)


@pytest.mark.parametrize("name", MEMORY)
def test_a_run_over_its_memory_is_told_as_memory_limit(pool: SandboxPool, name: str) -> None:
    outcome = outcome_of(pool, MEMORY[name], limits=SecurityLimits(max_execution_time=60))
    assert outcome.error is not None
    assert outcome.error.type is ErrorType.MEMORY_LIMIT
    assert outcome.error.line is not None
    neighbour_is_unharmed(pool)


def test_a_script_may_use_the_memory_that_it_is_given(pool: SandboxPool) -> None:
    text = "x = bytearray(24 << 20)\nresult = len(x)"
    assert value_of(outcome_of(pool, text)) == 24 << 20
    larger = SecurityLimits(max_memory_bytes=200 << 20)
    assert value_of(outcome_of(pool, "result = len(bytearray(180 << 20))", limits=larger)) == 180 << 20


def test_a_power_that_never_ends_is_a_timeout_or_a_memory_limit(pool: SandboxPool) -> None:
    outcome = outcome_of(pool, "result = 9**9**9", limits=LIMITS)
    assert outcome.error is not None
    assert outcome.error.type in {ErrorType.TIMEOUT, ErrorType.MEMORY_LIMIT}


@pytest.mark.slow
@pytest.mark.parametrize("name", DEEP)
def test_a_structure_far_too_deep_ends_as_an_error_value(pool: SandboxPool, name: str) -> None:
    outcome = outcome_of(pool, DEEP[name], limits=SecurityLimits(max_execution_time=3, max_memory_bytes=128 << 20))
    if (
        outcome.error is None
    ):  # Python 3.13 walks a chain of generators without recursion, 3.14 compares with what stack there is
        assert decode_value(outcome.result or b"") == {"chained generators": [1], "deep equality": True}[name]
    else:
        assert outcome.error.type in {ErrorType.EXECUTION, ErrorType.MEMORY_LIMIT, ErrorType.TIMEOUT}
    neighbour_is_unharmed(pool)


@pytest.mark.parametrize("name", COMPILE)
def test_a_text_that_would_hurt_the_compiler_ends_as_compilation_or_syntax(pool: SandboxPool, name: str) -> None:
    started = time.monotonic()
    outcome = outcome_of(pool, COMPILE[name], limits=LIMITS)
    assert time.monotonic() - started < LIMITS.max_execution_time + 15
    assert outcome.error is not None
    assert outcome.error.type in {ErrorType.COMPILATION, ErrorType.INVALID_SYNTAX}
    neighbour_is_unharmed(pool)


def test_chained_additions_as_a_designer_might_write_them_compile(pool: SandboxPool) -> None:
    assert value_of(outcome_of(pool, "result = " + " + ".join(["1"] * 250))) == 250


@pytest.mark.parametrize("text", ["result = 1\0", "result = '\ud800'"])
def test_text_that_cannot_be_encoded_is_invalid_syntax(pool: SandboxPool, text: str) -> None:
    outcome = outcome_of(pool, text)
    assert outcome.error is not None
    assert outcome.error.type is ErrorType.INVALID_SYNTAX
    assert outcome.error.line == 1


def test_a_million_log_calls_are_cut_and_marked_and_the_run_goes_on(pool: SandboxPool) -> None:
    outcome = outcome_of(pool, "for i in range(1_000_000): log('x' * 10)\nresult = 1")
    assert value_of(outcome) == 1
    assert outcome.log_truncated
    assert len(outcome.logs) == SecurityLimits().max_log_lines


def test_one_log_line_over_the_bytes_is_cut(pool: SandboxPool) -> None:
    outcome = outcome_of(pool, "log('ä' * 100_000)\nlog('never')\nresult = 1")
    assert outcome.log_truncated
    assert sum(len(line.encode()) for line in outcome.logs) <= SecurityLimits().max_log_bytes


def test_not_a_number_and_zero_characters_are_plain_data(pool: SandboxPool) -> None:
    value = value_of(outcome_of(pool, "result = [float('nan'), float('inf'), chr(0)]"))
    assert math.isnan(value[0])
    assert value[1:] == [math.inf, "\0"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("result = 'x' * 300_000", "bytes"),
        ("result = list(range(30_000))", "values"),
        ("result = []\nfor i in range(50): result = [result]", "nested deeper"),
    ],
)
def test_a_result_over_a_bound_is_told(pool: SandboxPool, text: str, problem: str) -> None:
    outcome = outcome_of(pool, text)
    assert outcome.error is not None
    assert outcome.error.type is ErrorType.EXECUTION
    assert problem in outcome.error.message


def test_metrics_tell_time_processor_and_memory_of_the_run(pool: SandboxPool) -> None:
    text = "x = bytearray(8 << 20)\nfor i in range(200_000): pass\nresult = 1"
    metrics = outcome_of(pool, text).metrics
    assert 0 < metrics.cpu_us <= metrics.wall_us
    assert 7 << 20 < metrics.memory_bytes < 12 << 20
    assert metrics.compile_us > 0
    small = outcome_of(pool, "for i in range(20_000): pass\nresult = 1", limits=LIMITS).metrics
    assert small.memory_bytes < 1 << 20


def test_the_memory_of_one_run_is_not_told_of_the_next(pool: SandboxPool) -> None:
    text = "x = bytearray(n)\nfor i in range(50_000): pass\nresult = 1"
    large = outcome_of(pool, text, {"n": 16 << 20}).metrics.memory_bytes
    small = outcome_of(pool, text, {"n": 10}).metrics.memory_bytes
    assert large > 15 << 20
    assert small < 2 << 20


@pytest.mark.slow
def test_the_processor_time_of_a_killed_run_is_known(pool: SandboxPool) -> None:
    text = "while n: pass\nresult = 1"
    loaded = outcome_of(pool, text, {"n": 0}, limits=LIMITS)
    [box] = [box for box in pool.stats().sandboxes if box.digest == bundle_of(text).digest]
    seen = [processor_us(box.pid)]
    watching = threading.Thread(target=lambda: seen.extend(iter_until_gone(box.pid)))
    watching.start()
    outcome = outcome_of(pool, text, {"n": 1}, limits=LIMITS)
    watching.join()
    assert outcome.error is not None
    spent = seen[-1] - seen[0]
    assert spent > 0
    # Of the process' life the time of compiling is taken off, which is that of a clock.
    assert outcome.metrics.cpu_us + loaded.metrics.compile_us > 0.9 * spent
    assert outcome.metrics.cpu_us <= outcome.metrics.wall_us


def test_a_killed_run_that_waited_for_an_answer_took_little_processor_time(pool: SandboxPool) -> None:
    def slow(_: HostCall) -> bytes:
        time.sleep(2 * LIMITS.max_execution_time)
        return encode_value(1)

    waits = HostFunction("wait", "pure")
    outcome = outcome_of(pool, "result = wait()", functions=(waits,), host=slow, limits=LIMITS)
    assert outcome.error is not None
    assert outcome.error.type is ErrorType.TIMEOUT
    assert outcome.metrics.cpu_us < outcome.metrics.wall_us / 2


def test_compiling_is_no_processor_time_of_a_run_that_is_killed_after_a_check(pool: SandboxPool) -> None:
    """The run waits for an answer in the sandbox that the check has left."""
    text = "result = wait()\n" + "if result == 0:\n    result = [x * 2 for x in range(9)] + [str(result)]\n" * 300
    limits = SecurityLimits(max_execution_time=0.5, max_source_lines=10_000)

    def slow(_: HostCall) -> bytes:
        time.sleep(0.6)
        return encode_value(1)

    waits = (HostFunction("wait", "pure"),)
    checked = pool.check(bundle_of(text), limits, waits)
    outcome = outcome_of(pool, text, functions=waits, host=slow, limits=limits)
    assert outcome.error is not None
    assert outcome.error.type is ErrorType.TIMEOUT
    assert outcome.metrics.compile_us == 0, "nobody waited for it"
    assert outcome.metrics.cpu_us < checked.compile_us / 2


def iter_until_gone(pid: int) -> Iterator[int]:
    """Processor time of a process, again and again to its end."""
    with contextlib.suppress(OSError):
        while True:
            yield processor_us(pid)
            time.sleep(0.005)


def processor_us(pid: int) -> int:
    """Raises OSError where the process has ended."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) // 1000
