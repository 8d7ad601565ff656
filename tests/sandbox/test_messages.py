"""Requirement 7.4: a message tells its reader what to write, in the language's own words and never in ours."""

from __future__ import annotations

import inspect
import types
from typing import Any

import pytest

from scripting.sandbox.library.builtins import make_builtins
from scripting.sandbox.library.packages import PACKAGES
from scripting.sandbox.policy.names import GENERATED, is_dunder
from scripting.supervisor.pool import HostCall, HostFunction, SandboxPool
from scripting.types import SecurityLimits
from tests.support.sandboxes import bundle_of, outcome_of

HINTS: dict[str, tuple[str, str]] = {
    "a global counted in a function": ("count = 0\ndef f():\n    count += 1\nf()", "write global count"),
    "a name used before it is set": ("def f():\n    print(a)\n    a = 1\nf()", "give a a value before"),
    "return at the top": ("return 5", "assign it: result = …"),
    "yield at the top": ("yield 5", "inside a function"),
    "true": ("result = true", "write True"),
    "null": ("result = null", "write None"),
    "a misspelled name": ("attacker = 1\nresult = atacker", "did you mean attacker?"),
    "a package not imported": ("result = math.pi", "write import math at the top"),
    "keys as attributes": ("result = message.payload.hp", 'write message["payload"]["hp"]'),
    "a key as an attribute": ("hp = {}\nresult = 1 + hp.now", 'write hp["now"]'),
    "an attribute of nothing": ("result = None\nresult.x", "is None"),
    "a special blank": ("x =\u00a05", "delete it and type a blank"),
    "a wide blank": ("x =\u30005", "type a blank"),
    "curly quotes": ("x = \u201ca\u201d", 'type the quote "'),
    "a long dash": ("x = 5 \u2013 3", "type the minus sign"),
    "a cross": ("x = 5 \u00d7 3", "write *"),
    "a decimal comma with a zero": ("x = 0,05", "write 0.05"),
    "else if": ("if 1:\n    x = 1\nelse if 2:\n    x = 2", "write elif"),
    "i++": ("i = 1\ni++", "write i += 1"),
    "&&": ("x = 1 && 2", "write and"),
    "||": ("x = 1 || 2", "write or"),
    "!": ("if !x:\n    pass", "write not"),
    "var": ("var x = 5", "write name = value"),
    "function": ("function f() {\n}", "write def"),
    "//": ("// note", "begin with #"),
    "?:": ("x = a ? 1 : 2", "if condition else"),
    "= for ==": ("x = 1\nif x = 5:\n    pass", "write == to compare"),
    "braces": ("while True {\n}", "no braces"),
    "no colon": ("if 1\n    x = 1", "end the line with :"),
    "a word of the language": ("class = 5", "choose another name"),
    "an odd indent": ("  x = 1", "begin the line"),
    "text that does not end": ('x = "abc', "end the text"),
    "text and number": ('result = "a" + 1', "f-string"),
    "a package called": ("import math\nmath(2)", "math.sqrt(4)"),
    "sep for log": ('log("a", sep="-")', "print() takes sep and end"),
    "an attribute of a package that waits": ("import time\ntime.sleep(1)", ""),
}

RESULTS: dict[str, str] = {
    "now()": ".isoformat()",
    "now().date()": ".isoformat()",
    "now() - now()": ".total_seconds()",
    "{}.keys()": "list(…)",
    "{}.values()": "list(…)",
    "(x for x in [])": "list(…)",
    "map(str, [])": "list(…)",
    "zip([], [])": "list(…)",
    "iter([])": "list(…)",
    "range(3)": "list(…)",
    "collections.deque()": "list(…)",
    "{1}": "sorted(…)",
    "Unit()": '{"name": value.name}',
    "Unit": "make an object",
    "Card(1)": "asdict(…)",
    "log": "write ()",
    "len": "write ()",
    "ValueError('x')": "str(…)",
    "decimal.Decimal(1)": "float(…)",
    "fractions.Fraction(1)": "float(…)",
    "uuid.uuid4()": "str(…)",
    "Colour.RED": ".value or .name",
    "bytearray()": "bytes(…)",
    "re.match('a', 'a')": ".group()",
    "Text('a')": "str(…)",
    "{1: 2}": "str(key)",
}

OPENING = """
import collections, dataclasses, decimal, enum, fractions, re, uuid
class Unit: pass
class Text(str): pass
class Colour(enum.Enum):
    RED = 1
@dataclasses.dataclass
class Card:
    size: int
"""


@pytest.mark.parametrize("name", HINTS)
def test_a_beginners_mistake_is_told_with_what_to_write(pool: SandboxPool, name: str) -> None:
    text, advice = HINTS[name]
    error = outcome_of(pool, text, {"message": {"payload": {"hp": 1}}}, trial=True).error
    assert error is not None
    assert advice in error.hint
    assert "waits" not in name or "a run does not wait" in error.message


@pytest.mark.parametrize("value", RESULTS)
def test_a_result_that_is_no_plain_data_is_told_with_what_to_give(pool: SandboxPool, value: str) -> None:
    error = outcome_of(pool, f"{OPENING}result = [{value}]", trial=True).error
    assert error is not None
    assert RESULTS[value] in error.message
    assert error.message.startswith("result[0] ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("damage = 0,25\nresult = damage", "write 0.25"),
        ("x = 3\nresult = x * 1,5", "write 1.5"),
        ("result = null", "write None"),
        ("resultt = 5\nresult = resulttt", "did you mean resultt"),
    ],
)
def test_the_check_says_so_before_a_run(pool: SandboxPool, text: str, said: str) -> None:
    report = pool.check(bundle_of(text), SecurityLimits())
    assert any(said in finding.hint for finding in report.diagnostics), report


@pytest.mark.parametrize("text", ["a = (1, 5)", "a = 1, 5", "x = {}\nx[1,5] = 2", "for i in 1,5: pass", "print(1,5)"])
def test_two_numbers_that_are_meant_are_left_alone(pool: SandboxPool, text: str) -> None:
    report = pool.check(bundle_of(f"{text}\nresult = 1"), SecurityLimits())
    assert report.diagnostics == ()


CALLS = (
    "log",
    "print",
    "get_context",
    "rand",
    "now",
    "timestamp",
    "getattr",
    "hasattr",
    "setattr",
    "repr",
    "format",
    "ascii",
    "type",
)


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_call_names_the_function_as_the_script_does(pool: SandboxPool, name: str) -> None:
    error = outcome_of(pool, f"{name}(oops=1)", trial=True).error
    assert error is not None
    assert f"{name}()" in error.message


def test_no_function_or_class_of_ours_goes_by_another_name_than_scripts_know() -> None:
    def named(path: str, value: Any) -> list[str]:
        if not getattr(value, "__module__", "") or not isinstance(value, (type, types.FunctionType)):
            return []
        wrong = [f"{path} is {value.__qualname__}"] if value.__qualname__ != path.rpartition(".")[2] else []
        members = vars(value).values() if isinstance(value, type) and value.__module__.startswith("scripting.") else ()
        functions = [m for m in members if inspect.isfunction(m) and m.__module__.startswith("scripting.")]
        return wrong + [m.__qualname__ for m in functions if not m.__qualname__.startswith(value.__qualname__)]

    def ours(value: Any) -> bool:
        return str(getattr(value, "__module__", "")).startswith("scripting.")

    offered = {
        n: v
        for n, v in make_builtins({}, lambda: None, print).items()
        if not n.startswith(GENERATED) and not is_dunder(n)
    }
    for package, facade in PACKAGES.items():
        offered |= {f"{package}.{n}": v for n, v in vars(facade).items() if not is_dunder(n)}
    aliases = {"IOError"}
    assert [w for p, v in offered.items() if ours(v) and p not in aliases for w in named(p, v)] == []


def test_what_a_host_call_refuses_is_told_by_argument(pool: SandboxPool) -> None:
    def host(call: HostCall) -> bytes:
        return b"\xc0"

    offered = [HostFunction("lookup", "read")]
    for call, said in (
        ("lookup({1})", "lookup(): argument 1 is of type set"),
        ("lookup(1, [2, {'a': {1}}])", 'lookup(): argument 2, at [1]["a"], is of type set'),
        ("lookup(key={1})", 'lookup(): the argument "key" is of type set'),
    ):
        error = outcome_of(pool, call, functions=offered, host=host, trial=True).error
        assert error is not None
        assert said in error.message
