"""Requirement 7.5: what a script prints is laid out as Python does; log() writes lines of its own."""

from __future__ import annotations

import pytest

from scripting.supervisor import sandbox
from scripting.supervisor.pool import SandboxPool
from scripting.types import SecurityLimits
from tests.support.sandboxes import SHORT, outcome_of

PRINTED: dict[str, tuple[str, tuple[str, ...]]] = {
    "a line in parts": ("for i in range(3): print(i, end=' ')", ("0 1 2 ",)),
    "a line in parts and its end": ("print('a', end='')\nprint('b')\nprint('c')", ("ab", "c")),
    "an end with a newline": ("print('a', end='!\\n')\nprint('b', sep='-', end=None)", ("a!", "b")),
    "a separator": ("print(1, 2, sep=', ')\nprint(1, 2, sep=None)", ("1, 2", "1 2")),
    "log() between": ("print('a', end='')\nlog('b')\nprint('c')", ("a", "b", "c")),
    "a failure after a part": ("print('a', end='')\n1 / 0", ("a",)),
    "nothing": ("print(end='')\nprint()", ("",)),
}


@pytest.mark.parametrize("name", PRINTED)
def test_print_keeps_end_and_sep_as_python_does(pool: SandboxPool, name: str) -> None:
    text, lines = PRINTED[name]
    for _ in range(2):  # nothing of it is left for the next run
        assert outcome_of(pool, text).logs == lines


@pytest.mark.slow
def test_a_run_that_is_stopped_still_tells_of_the_line_it_was_in(
    pool: SandboxPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "LAST_WORD_SECONDS", 20.0)  # however busy the machine
    assert outcome_of(pool, "print('a', end='')\nwhile True: pass", limits=SHORT).logs == ("a",)


@pytest.mark.slow
def test_a_line_without_an_end_is_bounded(pool: SandboxPool) -> None:
    outcome = outcome_of(pool, "while True: print('x' * 1000, end='')", limits=SecurityLimits(max_execution_time=0.5))
    assert outcome.log_truncated
    assert sum(map(len, outcome.logs)) <= SecurityLimits().max_log_bytes


@pytest.mark.parametrize("argument", ["end=1", "sep=2"])
def test_what_is_no_text_is_refused_in_plain_words(pool: SandboxPool, argument: str) -> None:
    error = outcome_of(pool, f"print('a', {argument})").error
    assert error is not None
    assert error.message.startswith(f"TypeError: {argument[:3]} of print() must be text")


def test_tengo_prints_as_its_original_does(pool: SandboxPool) -> None:
    text = 'fmt := import("fmt")\nfmt.print("a")\nfmt.printf("%d\\n", 1)\nfmt.println("b")\nfmt.print("c")'
    assert outcome_of(pool, text, language="tengo").logs == ("a1", "b", "c")
