"""Methods that need no look at their first argument, and the ways to give a method another one, which are all seen."""

from __future__ import annotations

import ast

import pytest

from scripting.sandbox.policy.bound_methods import bound_methods
from scripting.sandbox.policy.imports import ImportRules
from scripting.sandbox.policy.transformer import ScriptPolicy, bound_names
from scripting.supervisor.pool import SandboxPool
from tests.support.sandboxes import bundle_of, outcome_of, value_of

UNIT = """
class Unit:
    def hit(self, points):
        self.left = points
        return self

    def rest(self):
        self.left = 0
"""


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("Unit().hit(2).rest()", {"hit", "rest"}),
        ("import math\nfrom itertools import chain\nUnit().hit(math.pi)", {"hit", "rest"}),
        ("class Tank(Unit):\n    def hit(self, points):\n        super().hit(points)\nTank().hit(3)", {"hit", "rest"}),
        ("for points in (1, 2):\n    Unit().hit(points)\nhit = rest = points", {"hit", "rest"}),
        ("Unit().hit(*[2])", {"rest"}),
        ("Unit().hit(**{'points': 2})", {"rest"}),
        ("Unit.hit(Unit(), 2)", {"rest"}),
        ("Unit.hit(Unit(), points=2)", {"rest"}),
        ("Unit.rest(Unit())", {"hit"}),
        ("both = Unit.hit, 2", {"rest"}),
        ("Unit.hit += 1", {"rest"}),
        ("import random", set()),
        ("from shared import units", set()),
        ("getattr(Unit, 'hit')", set()),
        ("match Unit():\n    case Unit(left=1):\n        pass", set()),
    ],
)
def test_methods_that_are_called_for_objects_alone(text: str, bound: set[str]) -> None:
    tree = ast.parse(UNIT + text)
    assert {method.name for method in bound_methods(tree, ())} == bound


@pytest.mark.parametrize(
    "body",
    [
        "    global hit\n    def hit(self, points):\n        self.left = points",
        "    def hit(self, points):\n        self.left = points\n    same = hit",
        "    def hit(self, points):\n        self.left = points\n    def other(self, way=hit):\n        return way",
        "    def hit(self, points):\n        self.left = points\n    for each in [hit]:\n        pass",
        "    def __hit(self, points):\n        self.left = points",
        "    @classmethod\n    def hit(cls, points):\n        cls.left = points",
        "    def hit(self, points=1):\n        self.left = points\nUnit().hit(2)",
        "    def format(self, points):\n        self.left = points",
    ],
)
def test_methods_that_are_also_reached_otherwise(body: str) -> None:
    assert {method.name for method in bound_methods(ast.parse(f"class Unit:\n{body}\n"), {"format"})} <= {"other"}


def test_a_text_with_helpers_has_a_look_in_each_writing_method_since_a_helper_may_call_it_too() -> None:
    for helpers, looks in (({}, 0), ({"units": None}, 2)):
        tree = ast.parse(UNIT)
        ScriptPolicy(ImportRules({}, helpers), bound_names(tree)).visit(tree)
        assert ast.unparse(tree).count("self.$own") == looks


HOSTILE = {
    "by the class": "Unit.hit(rand, 1)",
    "by the class of an object": "type(Unit()).hit(rand, 1)",
    "by keywords": "Unit.hit(points=1, self=rand)",
    "by a variable": "hit = Unit.hit\nhit(rand, 1)",
    "by a starred argument": "Unit.hit(*[rand, 1])",
    "by keywords in a dict": "Unit.hit(**{'self': rand, 'points': 1})",
    "by map()": "list(map(Unit.hit, [rand], [1]))",
    "by getattr()": "getattr(Unit, 'h' + 'it')(rand, 1)",
    "by a default": "class Other:\n    def hit(self, points):\n        self.left = points\n    def way(self, way=hit):\n        way(rand, 1)\nOther().way()",
    "by a name of the class": "class Other:\n    def hit(self, points):\n        self.left = points\n    hit(rand, 1)",
    "by a decorator": "def take(way):\n    way(rand, 1)\nclass Other:\n    @take\n    def hit(self, points):\n        self.left = points",
    "by a global name": "class Other:\n    global strike\n    def strike(self, points):\n        self.left = points\nstrike(rand, 1)",
    "by a pattern": "match Unit:\n    case type(hit=way):\n        way(rand, 1)",
    "by a place in a pattern": "class Other(Unit):\n    __match_args__ = ('hit',)\nmatch Other:\n    case Other(way):\n        way(rand, 1)",
    "by an operator": "class Taker:\n    def __radd__(self, way):\n        way(rand, 1)\nUnit.hit += Taker()",
    "by super() of a class": "class Tank(Unit):\n    def go(self, points):\n        super().hit(rand, points)\nTank.go(Tank, 1)",
    "by super() with arguments": "super(Unit, Unit)\nclass Tank(Unit):\n    pass\nsuper(Tank, Tank).hit(rand, 1)",
    "by a default of its own": "class Other:\n    def hit(self, points=1):\n        self.left = points\nOther.hit(rand)",
    "by random.Random": "import random\nclass Dice:\n    def randrange(self, points):\n        self.left = points\nrandom.Random.randint(Dice, rand, 4)",
    "by operator.methodcaller": "import operator\noperator.methodcaller('hit', rand, 1)(Unit)",
    "by operator.attrgetter": "import operator\noperator.attrgetter('hit')(Unit)(rand, 1)",
    "by functools.partialmethod": "import functools\nclass Other(Unit):\n    way = functools.partialmethod(Unit.hit, 1)\nOther.way(rand)",
}


@pytest.mark.parametrize("way", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_way_to_a_method_sets_an_attribute_of_a_function_that_all_runs_share(pool: SandboxPool, way: str) -> None:
    lines = "".join(f"    {line}\n" for line in way.split("\n"))
    for text in (
        f"{UNIT}\nresult = hasattr(rand, 'left')\ntry:\n{lines}except Exception:\n    pass\n",
        f"{UNIT}\nresult = hasattr(rand, 'left')\n{way}\n",
    ):
        bundle = bundle_of(text)
        outcome_of(pool, bundle)
        outcome = outcome_of(pool, bundle)
        assert outcome.error is not None or value_of(outcome) is False
