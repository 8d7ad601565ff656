"""Helper scripts: imported by scripts of their language, compiled by the same policy, executed afresh in each run."""

from __future__ import annotations

import pytest

from scripting.supervisor.pool import SandboxPool
from scripting.types import Bundle, ErrorType
from tests.support.sandboxes import bundle_of, outcome_of, value_of

DICE = """
import random

rolled = []


def roll(sides):
    rolled.append(sides)
    return random.randint(1, sides)


def broken():
    return 1 / 0
"""


@pytest.mark.parametrize(
    "text",
    [
        "from shared import dice\nresult = [dice.roll(1), dice.rolled]",
        "from shared.dice import roll, rolled\nresult = [roll(1), rolled]",
        "import shared.dice\nresult = [shared.dice.roll(1), shared.dice.rolled]",
        "import shared.dice as d\nresult = [d.roll(1), d.rolled]",
        "from shared import dice as d\nresult = [d.roll(1), d.rolled]",
    ],
)
def test_a_helper_is_imported_in_any_way_that_python_has(pool: SandboxPool, text: str) -> None:
    for _ in range(2):  # fresh globals in each run
        assert value_of(outcome_of(pool, text, helpers={"dice": DICE})) == [1, [1]]


def test_helpers_import_helpers(pool: SandboxPool) -> None:
    helpers = {"dice": DICE, "cards": "from shared import dice\ndef draw():\n    return dice.roll(1) + 51"}
    text = "from shared import cards, dice\nresult = [cards.draw(), dice.rolled]"
    assert value_of(outcome_of(pool, text, helpers=helpers)) == [52, [1]]


def test_an_error_in_a_helper_points_into_the_helper(pool: SandboxPool) -> None:
    error = outcome_of(pool, "from shared import dice\nresult = dice.broken()", helpers={"dice": DICE}).error
    assert error is not None
    assert (error.type, error.script, error.line) == (ErrorType.EXECUTION, "shared/dice", 13)
    assert error.excerpt == "    return 1 / 0"


def test_a_helper_passes_the_same_policy(pool: SandboxPool) -> None:
    error = outcome_of(pool, "from shared import dice\nresult = 1", helpers={"dice": "x = ().__class__"}).error
    assert error is not None
    assert (error.type, error.script, error.line) == (ErrorType.SECURITY_VIOLATION, "shared/dice", 1)


def test_a_name_that_the_helper_lacks_is_found_at_check(pool: SandboxPool) -> None:
    error = outcome_of(pool, "from shared.dice import rol\nresult = 1", helpers={"dice": DICE}).error
    assert error is not None
    assert error.type is ErrorType.NOT_FOUND
    assert "rol" in error.message


@pytest.mark.parametrize(
    "text",
    [
        "from shared import dice\nresult = 1\nif result > 1:\n    dice.rol(6)",
        "from shared import dice as d\n\n\ndef throw():\n    return d.rol(6)\n\n\nresult = 1",
        "import shared.dice\nresult = [shared.dice.rol for _ in ()]",
        "from shared import dice\nresult = 1 if True else dice.sides",
    ],
)
def test_an_attribute_that_the_helper_lacks_is_found_at_check_wherever_it_stands(pool: SandboxPool, text: str) -> None:
    error = outcome_of(pool, text, helpers={"dice": DICE}).error
    assert error is not None
    assert (error.type, error.script) == (ErrorType.NOT_FOUND, "test/script")
    assert error.message.startswith('"shared.dice" does not offer')
    assert error.line == next(n for n, line in enumerate(text.split("\n"), 1) if ".rol" in line or ".sides" in line)


@pytest.mark.parametrize(
    "text",
    [
        "from shared import dice\n\n\ndef first(dice):\n    return dice.count(1)\n\n\nresult = first([1])",
        "from shared.dice import rolled\nresult = rolled.count(1) + 1",
        "from shared import cards\nresult = cards.drawn + cards.Deck.size - 1",
        "from shared import cards\nresult = cards.dice.roll(1)",
    ],
)
def test_what_may_be_there_at_run_is_not_refused_at_check(pool: SandboxPool, text: str) -> None:
    cards = "from shared import dice\n\n\ndef draw():\n    global drawn\n    drawn = 1\n\n\nclass Deck:\n    size = 1\n\n\ndraw()"
    assert value_of(outcome_of(pool, text, helpers={"dice": DICE, "cards": cards})) == 1


def test_a_name_inside_a_function_of_a_helper_is_not_offered(pool: SandboxPool) -> None:
    error = outcome_of(pool, "from shared.dice import sides\nresult = 1", helpers={"dice": DICE}).error
    assert error is not None
    assert error.type is ErrorType.NOT_FOUND


def test_helpers_that_import_each_other_are_an_error(pool: SandboxPool) -> None:
    helpers = {"a": "from shared import b", "b": "from shared import a"}
    error = outcome_of(pool, "from shared import a\nresult = 1", helpers=helpers).error
    assert error is not None
    assert "in a circle: shared/a → shared/b → shared/a" in error.message


def test_a_helper_cannot_be_changed_by_the_script(pool: SandboxPool) -> None:
    error = outcome_of(pool, "from shared import dice\ndice.roll = 1", helpers={"dice": DICE}).error
    assert error is not None
    assert error.type is ErrorType.SECURITY_VIOLATION


STATE = "count = 0\nunits = []\n\n\ndef bump():\n    global count\n    count += 1"


def test_a_helper_behaves_as_a_module_does_within_a_run(pool: SandboxPool) -> None:
    text = "from shared import state\nstate.bump()\nstate.bump()\nresult = state.count"
    for _ in range(2):
        assert value_of(outcome_of(pool, text, helpers={"state": STATE})) == 2


def test_all_who_import_a_helper_see_the_same_names(pool: SandboxPool) -> None:
    helpers = {"state": STATE, "other": "import shared.state\ndef go():\n    shared.state.bump()"}
    text = "import shared.state as state\nfrom shared import other\nother.go()\nstate.bump()\nresult = state.count"
    assert value_of(outcome_of(pool, text, helpers=helpers)) == 2


def test_two_helpers_imported_by_their_whole_names_are_both_there(pool: SandboxPool) -> None:
    text = "import shared.state\nimport shared.dice\nresult = [shared.dice.roll(1), shared.state.count]"
    assert value_of(outcome_of(pool, text, helpers={"state": STATE, "dice": DICE})) == [1, 0]


@pytest.mark.parametrize(
    "write", ["state.count = 1", "del state.count", "setattr(state, 'count', 1)", "state.__dict__['count'] = 1"]
)
def test_a_helper_is_written_to_by_nobody_else(pool: SandboxPool, write: str) -> None:
    error = outcome_of(pool, f"from shared import state\n{write}", helpers={"state": STATE}).error
    assert error is not None
    assert error.type is ErrorType.SECURITY_VIOLATION


@pytest.mark.parametrize(
    "look", ["getattr(state, '__builtins__')", "'{0.__builtins__}'.format(state)", "state.__builtins__"]
)
def test_what_a_helper_runs_on_cannot_be_reached_through_it(pool: SandboxPool, look: str) -> None:
    error = outcome_of(pool, f"from shared import state\nresult = {look}", helpers={"state": STATE}).error
    assert error is not None
    assert error.type is ErrorType.SECURITY_VIOLATION


def test_importing_a_helper_that_failed_fails_in_the_same_way_again(pool: SandboxPool) -> None:
    text = """
told = []
for _ in range(2):
    try:
        from shared import bad
    except Exception as error:
        told.append(str(error))
result = told
"""
    assert value_of(outcome_of(pool, text, helpers={"bad": "x = 1 / 0"})) == ["division by zero"] * 2


def test_importing_a_missing_helper_lists_those_that_there_are(pool: SandboxPool) -> None:
    bundle = Bundle(bundle_of("from shared import armor").script, (), ("shared/armour", "shared/dice"))
    error = outcome_of(pool, bundle).error
    assert error is not None
    assert error.hint == "did you mean armour? helpers in this language: armour, dice"


@pytest.mark.parametrize("read", ['getattr(dice, "$kept")', 'attrgetter("$kept")(dice)', "form.format(dice)"])
def test_a_text_that_a_guard_kept_in_a_helper_is_read_by_no_script(pool: SandboxPool, read: str) -> None:
    helper = "def roll():\n    return 1\nshown = str(roll)\n"
    text = f'from operator import attrgetter\nfrom shared import dice\nform = "{{0.$kept}}"\nresult = {read}'
    error = outcome_of(pool, text, helpers={"dice": helper}).error
    assert error is not None
    assert (error.type, error.line) == (ErrorType.SECURITY_VIOLATION, 4)
    assert '"$kept" is reserved' in error.message


def test_a_constructor_of_a_helper_is_not_called_on_what_is_shared(pool: SandboxPool) -> None:
    helper = "class Unit:\n    def __init__(self, health):\n        self.health = health\n"
    text = (
        "import json\nfrom shared.units import Unit\nclass Tank(Unit):\n    pass\n"
        "super(Tank, Tank).__init__(json.dumps, 1)\nresult = 1"
    )
    error = outcome_of(pool, text, helpers={"units": helper}).error
    assert error is not None
    assert (error.type, error.line) == (ErrorType.SECURITY_VIOLATION, 5)
