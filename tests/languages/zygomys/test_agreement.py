"""The lowering that knows kinds and the one that knows nothing agree: on every random program, in result, error and position."""

from __future__ import annotations

from typing import Any

import pytest

from scripting.sandbox.languages.zygomys import kinds
from scripting.sandbox.languages.zygomys.catalog import ANY
from tests.languages.tengo.harness import Ran
from tests.languages.zygomys.harness import zygomys
from tests.languages.zygomys.programs import OUTCOME, Programs

SEEDS = range(200)


def _know_nothing(self: kinds.Kinds, body: Any, *, is_helper: bool) -> None:
    for variable in self.variables:
        variable.kinds = ANY


def _outcome(ran: Ran) -> Any:
    if ran.fault is not None:
        return ran.fault.message, ran.fault.line
    return ran.logs


@pytest.mark.slow
def test_what_is_known_of_kinds_changes_no_outcome_and_every_error_has_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{Programs(seed).program()}\n(println (str {OUTCOME}))" for seed in SEEDS]
    known = [zygomys(text) for text in texts]
    monkeypatch.setattr(kinds.Kinds, "settle", _know_nothing)
    for text, ran in zip(texts, known, strict=True):
        assert _outcome(ran) == _outcome(zygomys(text)), text
        if ran.fault is not None:
            assert ran.fault.type.value == "execution", ran.fault
            assert ran.fault.line is not None, (ran.fault, text)
            assert ran.fault.column is not None, (ran.fault, text)
