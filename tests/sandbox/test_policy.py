"""The policy refuses syntax that RestrictedPython lets pass."""

from __future__ import annotations

import ast
import sys

import pytest

from scripting.sandbox.policy import transformer
from scripting.sandbox.policy.imports import ImportRules
from scripting.sandbox.policy.transformer import ScriptPolicy
from scripting.supervisor.pool import SandboxPool
from tests.support.sandboxes import outcome_of


@pytest.mark.parametrize("name", transformer._SYNTAX)
def test_syntax_that_is_refused_by_name_is_refused_on_a_python_that_does_not_have_it_yet(name: str) -> None:
    node = type(name, (ast.AST,), {"_fields": ()})()
    policy = ScriptPolicy(ImportRules({}, {}), frozenset())
    policy.visit(node)
    assert [finding.message for finding in policy.findings] == [transformer._SYNTAX[name][0]]


@pytest.mark.skipif(sys.version_info < (3, 14), reason="this Python has no template strings")
def test_a_template_string_is_refused_with_what_to_write_instead(pool: SandboxPool) -> None:
    outcome = outcome_of(pool, 'x = 1\nresult = t"a{x}"\n')
    assert outcome.error is not None
    assert (outcome.error.message, outcome.error.hint) == ("template strings are not allowed", "use an f-string")
    assert (outcome.error.line, outcome.error.column) == (2, 10)
