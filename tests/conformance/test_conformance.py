"""Every script under tests/conformance/<language>/ comes to the outcome that its own header expects, in a real sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripting.sandbox.languages.table import LANGUAGES
from scripting.supervisor.pool import SandboxPool
from scripting.types import SecurityLimits
from tests.conformance.cases import Case, cases
from tests.support.sandboxes import new_pool, outcome_of, value_of

ALL = [pytest.param(language, case, id=f"{language}-{case.name}") for language in LANGUAGES for case in cases(language)]


PATIENT = SecurityLimits(max_execution_time=60)
"""None of them is about time: those that would go on for ever end by another limit, on a busy machine too."""


@pytest.fixture(scope="module")
def pool() -> Iterator[SandboxPool]:
    made = new_pool(max_sandboxes=4)
    yield made
    made.close()


@pytest.mark.parametrize(("language", "case"), ALL)
def test_a_script_comes_to_the_outcome_that_its_header_expects(pool: SandboxPool, language: str, case: Case) -> None:
    outcome = outcome_of(pool, case.text, case.context or {}, language=language, limits=PATIENT, trial=True)
    watched = outcome_of(pool, case.text, case.context or {}, language=language, limits=PATIENT, traces=True)
    told = [(one.result, one.error, one.logs, one.log_truncated) for one in (outcome, watched)]
    assert told[0] == told[1], "it comes to another outcome when it is traced"
    if case.error:
        assert outcome.error is not None, f"ended with {value_of(outcome)!r}"
        assert outcome.error.type.value == case.error, outcome.error
        assert case.message in outcome.error.message, outcome.error.message
        if case.position is not None:
            assert (outcome.error.line, outcome.error.column) == case.position, outcome.error
            assert outcome.error.excerpt == case.text.split("\n")[case.position[0] - 1]
        return
    assert outcome.error is None, outcome.error
    assert value_of(outcome) == case.expect
    if case.log is not None:
        assert list(outcome.logs) == case.log
