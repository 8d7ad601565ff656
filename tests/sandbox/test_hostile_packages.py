"""Requirements 8.1, 8.2: through what packages offer no script gets at an object of ours, at other text run, or at a later run."""

from __future__ import annotations

import pytest

from scripting.supervisor.pool import SandboxPool
from tests.support.sandboxes import outcome_of, value_of

REFUSED: dict[str, str] = {
    "attrgetter of a reserved attribute": "import operator\noperator.attrgetter('__class__')(1)",
    "attrgetter by steps": "import operator\noperator.attrgetter('real.__class__')(1)",
    "attrgetter of a frame": "import operator\noperator.attrgetter('gi_frame')(x for x in [])",
    "attrgetter of our own text": "import operator\nclass T(str):\n    def split(self, _): return ['__class__']\noperator.attrgetter(T('__class__'))(1)",
    "methodcaller of a reserved method": "import operator\noperator.methodcaller('__subclasses__')(int)",
    "methodcaller of format": "import operator\noperator.methodcaller('format', 1)('{0.__class__}')",
    "registering with a shared class": "from collections.abc import Sequence\nSequence.register(int)",
    "registering with a class made from a shared one": "from collections.abc import Sequence\nclass S(Sequence): pass\nS.register(int)",
    "registering as a decorator": "from fractions import Fraction\n@Fraction.register\nclass S: pass",
    "clearing a registry": "from collections.abc import Sequence\nSequence._abc_caches_clear()",
    "a dataclass of a shared class": "from dataclasses import dataclass\nfrom collections import Counter\ndataclass(Counter)",
    "a dataclass of a builtin class": "from dataclasses import dataclass\ndataclass(init=False)(int)",
    "a dataclass of a function": "import json\nfrom dataclasses import dataclass\ndataclass(json.dumps)",
    "an attribute of a shared enum": "from enum import Enum\nEnum.x = 1",
    "an attribute of a shared class": "from types import SimpleNamespace\nSimpleNamespace.x = 1",
    "the __init__ of a shared namespace class": "from types import SimpleNamespace\nSimpleNamespace.__init__(print, x=1)",
    "a reserved name in a namespace": "from types import SimpleNamespace\nSimpleNamespace(**{'__class__': int})",
    "a hook of copy in a namespace": "from types import SimpleNamespace\nSimpleNamespace(**{'__deepcopy__': print})",
    "an attribute of a hint": "import typing\ntyping.List.x = 1",
    "text in a hint, as code": "import typing\nresult = typing.List['x'].__args__",
    "an attribute of a UUID": "import uuid\nuuid.NAMESPACE_DNS.int = 5",
    "an attribute of a decimal": "from decimal import Decimal\nDecimal.x = 1",
    "type[…] called for more than a class": "result = type[int]('X', (), {})",
    "a class made by type": "result = type('X', (), {})",
    "a class of classes": "class M(type): pass",
    "a class of classes by another name": "t = type\nclass M(t): pass",
    "an enum with reserved names": "from enum import Enum\nEnum('E', {'__reduce_ex__': 1})",
    "an enum with reserved names in text": "from enum import Enum\nEnum('E', '__init_subclass__')",
    "an enum in a module": "from enum import Enum\nEnum('E', 'A', module='sys')",
    "an enum of a chosen type": "from enum import Enum\nEnum('E', 'A', type=int)",
    "deepcopy with a memo": "import copy\ncopy.deepcopy([1], {})",
    "a copy of a package": "import copy, json\ncopy.copy(json)",
    "a deep copy of a package": "import copy, json\ncopy.deepcopy([json])",
    "the real clock of a date": "from datetime import date\nresult = date.min.today() == date.today()\nassert not result",
    "a method's own copying": "class A:\n    def __deepcopy__(self, memo): return memo",
    "the pickling of an object": "class A:\n    def __reduce__(self): return print, ()",
    "a private name of abc": "import abc\nabc.ABCMeta",
    "a context of decimals that is shared": "import decimal\ndecimal.DefaultContext",
    "the code of a generated method": "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\nA.__init__.__code__",
    "the names of a generated method": "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\ngetattr(A.__init__, '__globals__')",
    "an annotation that is no name": "class A:\n    __annotations__ = {'x=print()': int}",
    "a callback of a namespace's class": "class A:\n    def __class_getitem__(cls, x): return x",
    "output sent elsewhere": "import contextlib\ncontextlib.redirect_stdout",
    "sleeping": "import time\ntime.sleep(1)",
    "the table of a wrapper": "import textwrap\ntextwrap.TextWrapper",
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_way_out_by_a_package_is_refused(pool: SandboxPool, name: str) -> None:
    outcome = outcome_of(pool, REFUSED[name], trial=True)
    assert outcome.error is not None, outcome.result


TAMPERING: dict[str, tuple[str, str]] = {
    "precision": ("import decimal\nif first:\n    decimal.getcontext().prec = 3", "str(decimal.Decimal(1) / 3)"),
    "traps": ("import decimal\nif first:\n    decimal.getcontext().traps[decimal.DivisionByZero] = 0", "len(decimal.getcontext().flags) and decimal.getcontext().traps[decimal.DivisionByZero]"),
    "a whole context": ("import decimal\nif first:\n    decimal.setcontext(decimal.Context(prec=2))", "str(decimal.Decimal(1) / 3)"),
    "a random UUID": ("from uuid import uuid4", "str(uuid4())"),
    "a class under an abstract one": ("from collections.abc import Sequence\nif first:\n    try:\n        class S(Sequence): pass\n        S.register(int)\n    except Exception: pass", "isinstance(1, Sequence)"),
    "a name of a namespace": ("from types import SimpleNamespace\nspace = SimpleNamespace()\nif first:\n    space.kept = 1", "hasattr(SimpleNamespace(), 'kept')"),
    "a class that type[…] was called on": ("from fractions import Fraction\nif first:\n    type[int](Fraction(1))", "hasattr(Fraction, '__orig_class__') or hasattr(Fraction, '_x')"),
    "a helper's kept number": ("from shared import kept\nif first:\n    kept.bump()", "kept.count"),
    "a function made abstract": ("import abc, json\nif first:\n    try:\n        abc.abstractmethod(json.dumps)\n    except TypeError: pass", "json.dumps(1)"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERING)
def test_a_run_finds_nothing_that_the_one_before_did_by_a_package(pool: SandboxPool, name: str) -> None:
    before, looks = TAMPERING[name]
    helpers = {"kept": "count = 0\ndef bump():\n    global count\n    count += 1"} if "shared" in before else {}
    text = f"{before}\nresult = {looks}"
    untouched = value_of(outcome_of(pool, text, {"first": False}, helpers=helpers, trial=True))
    outcome_of(pool, text, {"first": True}, helpers=helpers)
    assert value_of(outcome_of(pool, text, {"first": False}, helpers=helpers)) == untouched


def test_a_deep_copy_of_a_function_of_ours_is_that_function(pool: SandboxPool) -> None:
    """Else it would be a copy of all that the sandbox keeps, to be looked at."""
    text = """
import copy
from types import SimpleNamespace
one = copy.deepcopy([get_context, log, print])
result = [one[0] is get_context or one[0] == get_context, one[1] == log, one[2] == print]
one[1]("written")
"""
    outcome = outcome_of(pool, text)
    assert value_of(outcome) == [True, True, True]
    assert outcome.logs == ("written",)


def test_text_made_by_packages_shows_no_address(pool: SandboxPool) -> None:
    text = """
import operator, string, textwrap
from dataclasses import dataclass
from types import SimpleNamespace
@dataclass
class Unit:
    act: object_ = None
def f(): pass
shown = [
    operator.mod("%s", f), operator.imod("%r", (f,)), string.Template("$f").substitute(f=f), string.Template("$f").safe_substitute(f=f),
    repr(Unit(f)), str(SimpleNamespace(f=f)), f"{Unit(f)}", str(copied.deepcopy(f)),
]
for unit in (Unit("%s"), SimpleNamespace(act="%s")):
    unit.act %= f
    shown.append(unit.act)
kept = {"a": "%s"}
kept["a"] %= f
shown.append(kept["a"])
result = [one for one in shown if "0x" in one]
""".replace("object_ =", "int =").replace("import operator", "import copy as copied, operator")
    assert value_of(outcome_of(pool, text)) == []
