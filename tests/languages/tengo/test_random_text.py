"""For any text, the check and the run give an answer: the host is never harmed, and what is refused says where."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from scripting.supervisor.pool import SandboxPool
from scripting.types import SecurityLimits
from tests.languages.tengo.harness import tengo
from tests.languages.tengo.programs import programs
from tests.support.sandboxes import bundle_of, new_pool, outcome_of, ran_out_of_time

_WORDS = st.sampled_from(
    "a b result := = == + - * / % ++ ( ) [ ] { } , . ; : ? ... func return if else for in break continue export import error "
    'immutable true false undefined 1 0 2.5 0x1f 1e5 "text" \'c\' `raw` "\\x" \'\' \n \t // /* */ $ @ # \u00e9 \ufeff import("fmt") '
    "func(x){ for{} return len([1]) && ! ^ <<= &^ 9223372036854775808 09 1_0".split(" ")
)
texts = st.one_of(
    st.lists(_WORDS, max_size=40).map(" ".join),
    st.lists(_WORDS, max_size=40).map("".join),
    st.text(max_size=60),
    programs(),
)
pytestmark = pytest.mark.slow

LIMITS = SecurityLimits(max_execution_time=0.3)


@pytest.fixture(scope="module")
def pool() -> Iterator[SandboxPool]:
    made = new_pool(max_sandboxes=2)
    yield made
    made.close()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts)
def test_the_same_random_text_checked_and_run_never_harms_the_host(pool: SandboxPool, text: str) -> None:
    report = pool.check(bundle_of(text, language="tengo"), LIMITS)
    outcome = outcome_of(pool, text, {"input": 1}, language="tengo", limits=LIMITS, trial=True)
    assume(not ran_out_of_time(report, outcome))
    assert report.ok or outcome.error is not None
    if not report.ok:
        first = next(found for found in report.diagnostics if found.severity == "error")
        assert outcome.error is not None
        assert (outcome.error.type, outcome.error.line) == (first.type, first.line)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@example("x := False")
@example("None = 1")
@given(
    st.one_of(texts, st.text(alphabet="(){}[]\"'`\\/*.:;,?!^&|<>=+-abc019 \n\ud800", max_size=30)).filter(
        lambda text: "for" not in text
    )
)
def test_every_refusal_of_a_text_has_a_position_inside_it(text: str) -> None:
    fault = tengo(text).fault
    if fault is not None and fault.type.value in {"invalid_syntax", "compilation"}:
        assert fault.line is not None, (text, fault)
        assert fault.column is not None, (text, fault)
        lines = text.split("\n")
        assert 1 <= fault.line <= len(lines)
        assert 1 <= fault.column <= len(lines[fault.line - 1]) + 1
