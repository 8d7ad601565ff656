"""The quick ways of the lowering and the general one agree: on every random program, in result, error and position."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from scripting.sandbox.languages.tengo import engine, kinds
from scripting.sandbox.languages.tengo.lowering.base import Mode
from scripting.sandbox.languages.tengo.lowering.statements import Statements
from scripting.sandbox.languages.tengo.nodes import Expr
from tests.languages.tengo.harness import Ran, tengo
from tests.languages.tengo.programs import INPUTS, programs

pytestmark = pytest.mark.slow


class General(Statements):
    """Lowers everything the general way."""

    def lower(self, node: Expr, mode: Mode) -> ast.expr:
        return super().lower(node, Mode.COLD)

    def test(self, node: Expr, mode: Mode) -> ast.expr:
        return super().test(node, Mode.COLD)

    def _counts(self, statement: Any) -> bool:
        return False

    def _appends(self, statement: Any, target: Any) -> bool:
        return False


def _outcome(ran: Ran) -> Any:
    if ran.fault is not None:
        return ran.fault.message, ran.fault.line, ran.fault.column
    return ran.result


def _general(text: str) -> Ran:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "Statements", General)
        patch.setattr(kinds.Kinds, "settle", kinds.Kinds.know_nothing)
        return tengo(text, INPUTS)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_the_quick_ways_and_the_general_one_agree(text: str) -> None:
    assert _outcome(tengo(text, INPUTS)) == _outcome(_general(text)), text
