"""Warnings of a check: what will go wrong at run is said before it does, and nothing is said of what is right."""

from __future__ import annotations

import pytest

from tests.conformance.cases import Case, cases
from tests.sandbox.checks import BOTH, INPUTS, check, told

DUEL = 'duel = message["payload"]\nattacker = duel.get("attacker") or {}\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("result = damge", '1! nothing here defines "damge"'),
        ("def roll():\n    return sides\nresult = roll()", '2! nothing here defines "sides"'),
        ("def roll():\n    return sides\nresult = 1", '2 nothing here defines "sides"'),
        ("if topic:\n    x = sides\nresult = 1", '2 nothing here defines "sides"'),
        ("def one():\n    x = 1\nresult = x", '3! nothing here defines "x"'),
        ("class Unit:\n    size = 1\n    def grow(self):\n        return size\nresult = 1", '4 nothing here defines "size"'),
        ("result = [x for x in [1]] and x", '1 nothing here defines "x"'),
        ("result = later\nlater = 1", '1! "later" has no value yet: it gets its first one in line 2'),
        ("result = roll()\ndef roll():\n    return 1", '1! "roll" has no value yet: it gets its first one in line 3'),
        (
            "total = 0\ndef add():\n    total += 1\nadd()\nresult = total",
            '3! "total" has no value here: the function assigns it, so it is a name of its own',
        ),
    ],
)  # fmt: skip
def test_a_name_that_has_no_value_is_warned_of_where_it_is_read(text: str, expected: str) -> None:
    assert told(check(text)) == [expected]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("damage = 1\nresult = damge", "did you mean damage?"),
        ("result = mesage", "did you mean message?"),
        ("result = math.pi", "write import math at the top"),
        ("result = attacker", 'the payload has it: write message["payload"]["attacker"]'),
        (
            "def one():\n    x = 1\nresult = x",
            '"x" belongs to a function: return it there, and use what the call gives',
        ),
    ],
)
def test_a_warning_says_what_may_be_meant(text: str, hint: str) -> None:
    assert check(text)[0].hint == hint


def test_a_name_may_come_with_the_context_where_nobody_knows_the_inputs() -> None:
    (found,) = check("result = attacker", inputs=())
    assert (found.certain, "it must come with the context" in found.message) == (False, True)
    assert told(check("count += 1\nresult = count", inputs=())) == []


def test_a_context_variable_that_some_inputs_do_not_bring_is_named_with_them() -> None:
    request = type(INPUTS[0])("request to /roll", {"http_request": (), "module": ()})
    found = check("result = http_request", inputs=(*INPUTS, request))
    assert told(found) == ['1 a run on game.duel does not bring "http_request": it fails there']
    assert check('result = get_context().get("http_request")', inputs=(*INPUTS, request)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1", ["-! `result` is never assigned: the run gives nothing"]),
        (
            "def main():\n    result = 5\nmain()",
            ["2! `result` is assigned only inside main(), where it is a name of the function's own: the run gives nothing"],
        ),
        ("def main():\n    global result\n    result = 5\nmain()", []),
        ("for result in [1]:\n    pass", []),
        ("if topic:\n    result = 1", []),
        ('publish_event("game.over", {})', ["- `result` is never assigned: the run gives nothing"]),
    ],
)  # fmt: skip
def test_a_script_that_gives_nothing_is_told_so(text: str, expected: list[str]) -> None:
    assert told(check(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def hit(a, b):\n    return a\nresult = hit(1)", "3! hit() is called without b"),
        ("def hit(a, b):\n    return a\nresult = hit(1, 2, 3)", "3! hit() takes 2 arguments, and 3 are given here"),
        ("def hit(a, *, near):\n    return a\nresult = hit(1, nera=2)", '3! hit() has no parameter "nera"'),
        ("def hit(a):\n    return a\nresult = hit(1, a=2)", '3! hit() is given "a" twice, by place and by name'),
        ("hit = lambda a: a\nresult = hit()", "2! hit() is called without a"),
        ("class Unit:\n    def __init__(self, hp):\n        pass\nresult = 1\nUnit()", "5! Unit() is called without hp"),
        ("def hit(a):\n    return a\nif topic:\n    hit()\nresult = 1", "4 hit() is called without a"),
        ("publish_event('game.over')\nresult = 1", "1! publish_event() is called without payload"),
        ("result = state(1, 2)", "1! state() takes one argument, and 2 are given here"),
        ("result = rand(6)", "1! rand() takes no arguments, and one is given here".replace("one is", "1 is")),
        ("result = len()", "1! len() is called without obj"),
        ("import math\nresult = math.sqrt()", "2! math.sqrt() is called without x"),
        ("from math import sqrt as root\nresult = root(1, 2)", "2! root() takes one argument, and 2 are given here"),
        ("import random\nresult = random.randint(6)", "2! random.randint() is called without b"),
    ],
)  # fmt: skip
def test_a_call_that_does_not_fit_its_function_is_warned_of(text: str, expected: str) -> None:
    assert told(check(text)) == [expected]


def test_a_call_of_a_helper_is_looked_at_too() -> None:
    helpers = {"dice": "def roll(sides, times=1):\n    return sides * times"}
    found = check(
        "from shared import dice\nfrom shared.dice import roll\nresult = dice.roll() + roll(6, 2, 3)", helpers=helpers
    )
    assert told(found) == [
        "3! dice.roll() is called without sides",
        "3! roll() takes 2 arguments, and 3 are given here",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        'result = attacker.get("armor", 0)',
        'result = attacker["armor"]',
        'def power(unit):\n    return unit["armor"]\nresult = power(attacker) + power(duel["target"])',
        'def units():\n    return duel["near"]\nresult = [unit["armor"] for unit in units()]',
        'for unit in duel.get("near", []):\n    log(unit.get("armor"))\nresult = 1',
        'if topic:\n    log(attacker["armor"])\nresult = 1',
        'result = max(duel["near"], key=len)["armor"]',
        'body = get_context().get("message").get("payload")\nresult = body["target"].get("armor")',
        'result = (duel.get("target") or {"armour": 3})["armor"]',
        'whole = get_context().get("message") or {}\nunit = (whole.get("payload") or {}).get("target") or {}\nresult = unit.get("armor")',
    ],
)
def test_a_field_that_the_payload_does_not_have_is_certain(text: str) -> None:
    (found,) = check(DUEL + text)
    assert (found.certain, found.message) == (True, '"armor" is no field of Unit: it is never there')
    assert found.hint == "did you mean armour?"


@pytest.mark.parametrize(
    "text",
    [
        'attacker["armor"] = 1\nresult = attacker["armor"]',
        'attacker.update({"armor": 1})\nresult = attacker["armor"]',
        'if "armor" in attacker:\n    log(attacker["armor"])\nresult = 1',
        'for name in ["armor"]:\n    attacker[name] = 1\nresult = attacker["armor"]',
        'result = duel["extra"]["armor"]',
        'attacker = {"armor": 1}\nresult = attacker["armor"]',
        'def power(unit):\n    return unit["armor"]\nresult = [power(one) for one in [{"armor": 1}]] + list(map(power, [1]))',
        "from shared import dress\ndress.up(attacker)\nresult = attacker['armor']",
        'strength = {}\nfor unit in duel["near"]:\n    strength[unit["id"]] = unit["attack"]\nresult = strength.get("armor")',
    ],
)
def test_nothing_is_said_of_fields_that_may_be_there(text: str) -> None:
    assert told(check(DUEL + text, helpers={"dress": 'def up(unit):\n    unit["armor"] = 1'})) == []


def test_a_script_that_answers_requests_too_has_its_payload_looked_at() -> None:
    request = type(INPUTS[0])("request to /roll", {"http_request": (), "module": ()})
    text = 'context = get_context()\nmessage = context.get("message") or {}\nduel = message.get("payload") or {}\n'
    (found,) = check(f'{text}result = duel.get("atacker")', inputs=(*INPUTS, request))
    assert (found.certain, found.hint) == (True, "did you mean attacker?")


def test_a_slip_is_warned_of_where_the_value_may_be_something_else_too() -> None:
    text = 'state_of = state()\nunit = duel["target"] if topic else state_of["unit"]\n'
    (found,) = check(f'{DUEL}{text}result = unit["atack"]')
    assert (found.certain, found.message, found.hint) == (False, '"atack" is no field of Unit', "did you mean attack?")
    assert check(f'{DUEL}{text}result = unit["morale"]') == []


def test_of_a_script_on_several_topics_a_field_that_only_some_have_is_named_where_the_run_would_fail() -> None:
    start = 'event = message["payload"]\n'
    (found,) = check(f'{start}result = event["attacker"]', inputs=BOTH)
    assert (found.certain, found.message) == (False, 'game.march has no "attacker"')
    for quiet in ('event.get("attacker")', 'event["distance"]', 'event["unit"] if topic == "game.march" else 0'):
        assert check(f"{start}result = {quiet}", inputs=BOTH) == []
    (none,) = check(f'{start}result = event.get("defender")', inputs=BOTH)
    assert (none.certain, none.message) == (
        True,
        '"defender" is no field of game.duel or game.march: it is never there',
    )


FINE = {
    "loops": "for i, unit in enumerate(message['payload']['near']):\n    last = unit\nelse:\n    last = None\nresult = [i, last]",
    "while": "n = 0\nwhile n < 3:\n    n += 1\n    if n == 2:\n        found = n\nresult = [n, found]",
    "comprehensions": "result = {k: [v for v in row if (big := v) > 1] for k, row in {}.items()}\nlog(big)",
    "with": "from contextlib import nullcontext\nwith nullcontext(3) as three, nullcontext(4) as (four):\n    pass\nresult = three + four",
    "except": "try:\n    x = int('1')\nexcept ValueError as problem:\n    x = str(problem)\nfinally:\n    y = 1\nresult = [x, y]",
    "imports": "import math as m, itertools\nfrom random import choice as pick\nresult = m.floor(pick([1, 2])) + len(list(itertools.count.__name__))",
    "global": "hits = 0\ndef count():\n    global hits, misses\n    hits += 1\n    misses = 0\ncount()\nresult = [hits, misses]",
    "nonlocal": "def outer():\n    n = 0\n    def inner():\n        nonlocal n\n        n += 1\n        return n\n    inner()\n    return n\nresult = outer()",
    "del": "x = 1\ndel x\nx = 2\nresult = x",
    "match": "match message['payload']:\n    case {'attacker': a, **others}:\n        result = [a, others]\n    case [first, *more]:\n        result = [first, more]\n    case _ as whole:\n        result = whole",
    "classes": "class A:\n    n = 1\n    m = n + 1\n    def f(self):\n        return self.m\nclass B(A):\n    pass\nresult = B().f()",
    "star_args": "def f(*args, **kwargs):\n    return args, kwargs\nresult = [f(1, 2, a=3), f(*[1], **{'b': 2})]",
    "defaults": "def f(a, b=2, /, c=3, *, d=4):\n    return a + b + c + d\nresult = f(1) + f(1, 2) + f(1, 2, 3, d=4)",
    "spread": "def f(a, b):\n    return a + b\nboth = [1, 2]\nresult = f(*both) + f(**{'a': 1, 'b': 2})",
    "recursion": "def f(n):\n    return 1 if n < 2 else n * f(n - 1)\nresult = f(5)",
    "called_before_the_helper": "def first():\n    return second()\ndef second():\n    return 2\nresult = first()",
    "decorated": "def twice(f):\n    def inner(x):\n        return f(x, x)\n    return inner\n@twice\ndef add(a, b):\n    return a + b\nresult = add(2)",
    "dataclass": "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n    y: int = 0\nresult = P(1).x + P(1, 2).y",
    "rebound": "def f(a):\n    return a\ndef f(a, b):\n    return a + b\nresult = f(1, 2)",
    "lambda": "key = lambda pair: pair[1]\nresult = sorted([[1, 2]], key=key)",
    "builtins": "result = [min(1, 2), max([1]), sum([1], 2), round(1.5, 1), int(), str(1), bool(), float(), list(), sorted([2], reverse=True), pow(2, 3, mod=5), print(1, sep=''), range(3).stop, type(1) is int]",
    "own_builtin": "def round(a, b, c):\n    return a\nresult = round(1, 2, 3)",
    "shadowed": "def f(rand):\n    return rand(1)\nresult = f(lambda x: x)",
    "conditional_def": "if topic:\n    def f(a):\n        return a\nelse:\n    def f(a, b=1):\n        return a\nresult = f(1)",
    "annotations": "from __future__ import annotations\ndef f(unit: Unit) -> Unit:\n    total: int = 0\n    return total\nclass Unit:\n    pass\nresult = f(1)",
    "loop_first_value": "for n in range(3):\n    if n:\n        log(before)\n    before = n\nresult = 1",
    "generator": "def gen():\n    yield 1\n    return missing_is_never_reached if False else 0\nmissing_is_never_reached = 1\nresult = list(gen())",
    "context": "context = get_context()\nmessage = context.get('message') or {}\npayload = message.get('payload') or {}\nrequest = context.get('http_request')\nresult = payload.get('distance', 1)",
    "own_keys": "units = {}\nfor unit in message['payload']['near']:\n    units[unit['id']] = dict(unit)\nresult = units.get('a', {}).get('anything')",
}  # fmt: skip
"""Programs that are right."""


@pytest.mark.parametrize("name", FINE)
def test_nothing_is_said_of_a_program_that_is_right(name: str) -> None:
    assert told(check(FINE[name])) == []


@pytest.mark.parametrize("case", [case for case in cases("python") if not case.error], ids=lambda case: case.name)
def test_nothing_is_certain_to_fail_in_a_script_that_runs(case: Case) -> None:
    assert [line for line in told(check(case.text, inputs=())) if "!" in line.split(" ")[0]] == []


@pytest.mark.slow
def test_a_long_text_is_looked_at_in_good_time() -> None:
    import time

    many = "\n".join(
        f'd{n} = {{"a": d{n - 1 if n else 0}, "b": {{"c": d{n // 2}}}}}\nx = d{n}["a"]["b"]' for n in range(800)
    )
    started = time.process_time()
    check(f"{many}\nresult = x['a']")
    assert time.process_time() - started < 20
