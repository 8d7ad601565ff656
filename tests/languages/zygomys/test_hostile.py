"""For any text, the check and the run give an answer within their limits, and what is refused says where."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from scripting.supervisor.errors import SandboxUnavailable
from scripting.supervisor.pool import SandboxPool
from scripting.supervisor.sandbox import BUSY
from scripting.types import SecurityLimits
from tests.languages.zygomys.harness import zygomys
from tests.languages.zygomys.programs import Programs
from tests.support.sandboxes import bundle_of, new_pool, outcome_of, ran_out_of_time

LIMITS = SecurityLimits(max_execution_time=0.5)
PATIENT = SecurityLimits(max_execution_time=60)
_WORDS = st.sampled_from(
    "( ) [ ] { } a b h.a .a def defn fn let letseq set cond and or begin for range break continue defmac macexpand quote infix "
    "%a ^(a ~b ~@c) ~ ~@ ^ % : := = + - * / ** == < 1 -1 2.5 0x1f 1ULL 'c' \"text\" `raw` a: key: \\ , ; if else not mod ++ hash list "
    "map apply import struct func package expectError eval // /* */ & & | $x ?y #z nil true \n \t é \ufeff '".split(" ")
)
texts = st.one_of(
    st.lists(_WORDS, max_size=40).map(" ".join),
    st.lists(_WORDS, max_size=40).map("".join),
    st.text(max_size=60),
    st.text(alphabet="(){}[]\"'`\\/*.:;,%^~@&|<>=+-abc019 \n\ud800", max_size=30),
    st.integers(0, 10**6).map(lambda seed: _mangled(seed)),
)


def _mangled(seed: int) -> str:
    """A program with pieces taken out and put in elsewhere."""
    chance = random.Random(seed)
    text = Programs(seed).program()
    for _ in range(chance.randrange(4)):
        start = chance.randrange(len(text))
        piece = text[start : start + chance.randrange(12)]
        place = chance.randrange(len(text))
        text = text[:start] + text[start + len(piece) :]
        text = text[:place] + piece + text[place:]
    return text


HOSTILE = {
    "a million parentheses": "(" * 1_000_000,
    "a million parentheses that close": "(" * 500_000 + ")" * 500_000,
    "deep nesting": "(+ 1 " * 5000 + "1" + ")" * 5000,
    "deep quotes": "%" * 200_000 + "a",
    "deep splices": "^(~@" * 3000 + "a" + ")" * 3000,
    "a splice of itself": "(defmac m [a] ^(begin ~@(list %m a) ~@(list %m a)))\n(m 1)",
    "a macro that expands to itself": "(defmac m [a] ^(m ~a))\n(m 1)",
    "a macro that grows": "(defmac m [a] ^(m (~a ~a ~a)))\n(m 1)",
    "a macro that doubles": "(defmac m [n x] (cond (== n 0) x ^(begin (m ~(- n 1) ~x) (m ~(- n 1) ~x))))\n(m 40 1)",
    "a macro without end": "(defmac m [a] (for [(def i 0) true (def i (+ i 1))] i))\n(m 1)",
    "a macro that recurses": "(defmac m [a] (letseq [f (fn [g x] (g g x))] (f f a)))\n(m 1)",
    "a macro that fills memory": "(defmac m [a] (makeArray 100000000 a))\n(m 1)",
    "two macros in turn": "(defmac a [x] ^(b ~x))\n(defmac b [x] ^(a ~x))\n(a 1)",
    "long infix": "{" + "1 + " * 20_000 + "1}",
    "nested infix": "{" * 2000 + "1" + "}" * 2000,
    "a loop without end": "(for [() true ()] 1)",
    "recursion without end": "(defn f [x] (+ 1 (f x)))\n(f 1)",
    "an array that grows": "(def a [1])\n(for [() true ()] (set a (concat a a)))",
    "a text that grows": '(def s "ab")\n(for [() true ()] (set s (concat s s)))',
    "eval without end": "(eval %(for [() true ()] 1))",
    "eval of itself": "(defn f [] (eval %(f)))\n(f)",
    "a list of itself": "(def h (hash))\n(hset h a: h)\n(println h)",
    "huge power": "(** 10 (** 10 300))",
    "huge shift": "(sll 1 1000000000000)",
    "huge width": '(sprintf "%999999999d" 1)',
}


@pytest.fixture(scope="module")
def pool() -> Iterator[SandboxPool]:
    made = new_pool(max_sandboxes=2)
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_ends_in_its_limits(pool: SandboxPool, name: str) -> None:
    started = time.monotonic()
    try:
        outcome = outcome_of(pool, HOSTILE[name], {}, language="zygomys", limits=LIMITS, trial=True)
        assert outcome.error is None or outcome.error.type.value != "internal", outcome.error
    except (
        SandboxUnavailable
    ) as unavailable:  # a macro without end is compiled for all the time that a busy host has for it
        if str(unavailable) != BUSY:
            raise
    assert time.monotonic() - started < 40
    assert outcome_of(pool, "(+ 1 2)", {}, language="zygomys", limits=PATIENT, trial=True).error is None


@pytest.mark.slow
@pytest.mark.once
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts)
def test_the_same_random_text_checked_and_run_never_harms_the_host(pool: SandboxPool, text: str) -> None:
    report = pool.check(bundle_of(text, language="zygomys"), LIMITS)
    outcome = outcome_of(pool, text, {"input": 1}, language="zygomys", limits=LIMITS, trial=True)
    assume(not ran_out_of_time(report, outcome))
    assert report.ok or outcome.error is not None


@pytest.mark.slow
@pytest.mark.once
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@example("(")
@example("{a b")
@example("^(~@")
@given(texts.filter(lambda text: "for" not in text and "range" not in text and "map" not in text))
def test_every_refusal_of_a_text_has_a_position_inside_it(text: str) -> None:
    fault = zygomys(text).fault
    if fault is not None and fault.type.value in {"invalid_syntax", "compilation"}:
        assert fault.line is not None
        lines = text.split("\n")
        assert 1 <= fault.line <= len(lines), fault
        assert fault.column is None or 1 <= fault.column <= len(lines[fault.line - 1]) + 1, fault
