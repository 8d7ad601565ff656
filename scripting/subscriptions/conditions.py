"""Conditions of subscriptions: comparisons of a payload's fields, read and checked against the topic's schema. Nothing is ever run.

    unit.side == "harbour" and (damageAmount >= 10 or not critical)
    unit.kind in ["armour", "scouts"] and target != null

A field that a payload lacks is null. Numbers and texts have an order; null has none, so `<` with it is false.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from scripting.modules.topics import Topic

LONGEST = 500
"""Characters of a condition."""
DEEPEST = 20
"""Parentheses and `not` inside one another."""

NUMBER, TEXT, TRUTH, NULL, LIST, OBJECT = "a number", "a text", "true or false", "null", "a list", "an object"
KINDS = {"integer": NUMBER, "number": NUMBER, "string": TEXT, "boolean": TRUTH, "null": NULL, "array": LIST, "object": OBJECT}  # fmt: skip
EVERY = frozenset(KINDS.values())
ORDERED = frozenset({NUMBER, TEXT})

TOKEN = re.compile(
    r"""\s*(?:(?P<number>-?\d+(?:\.\d+)?)|(?P<text>"(?:[^"\\]|\\.)*"|'[^'\\]*')|(?P<mark>==|!=|<=|>=|<|>|[()\[\],])"""
    r"""|(?P<path>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*))""",
    re.ASCII,
)
WORDS = frozenset({"and", "or", "not", "in", "true", "false", "null"})

Holds = Callable[[Mapping[str, Any]], Any]


class ConditionError(ValueError):
    """A condition cannot be read, or does not fit its topic. `at` is the place in its text, from 0."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(f"{message} (at character {at + 1})")
        self.at = at


@dataclass(frozen=True)
class Condition:
    """A condition that fits its topic."""

    text: str
    _holds: Holds

    def holds(self, payload: Mapping[str, Any]) -> bool:
        return self._holds(payload) is True


@dataclass(frozen=True)
class _Part:
    """A part of a condition: which kinds of value it can have, and how it is found."""

    at: int
    kinds: frozenset[str]
    value: Holds
    shown: str


@lru_cache(maxsize=256)
def _read(text: str, schema: str) -> Condition:
    parser = _Parser(text, json.loads(schema))
    part = parser.whole()
    return Condition(text, part.value)


def condition_of(text: str, topic: Topic) -> Condition:
    """Read a condition on a topic's payload. Raises ConditionError."""
    if len(text) > LONGEST:
        raise ConditionError(f"a condition has {LONGEST} characters at the most", LONGEST)
    return _read(text, json.dumps(topic.json_schema(), sort_keys=True))


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while text[at:].strip():
        found = TOKEN.match(text, at)
        if found is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            if text[at] == "=":
                raise ConditionError("write == to compare", at)
            raise ConditionError(f"{text[at]!r} has no meaning here", at)
        kind = str(found.lastgroup)
        word = found[kind]
        yield _Token("word" if kind == "path" and word in WORDS else kind, word, found.start(kind))
        at = found.end()
    yield _Token("end", "", len(text))


class _Parser:
    """Reads one condition, from the loosest operator to the tightest: or, and, not, comparison."""

    def __init__(self, text: str, schema: Mapping[str, Any]) -> None:
        self.tokens = list(_tokens(text))
        self.schema = schema
        self.next = 0
        self.depth = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.next]

    def take(self, *texts: str) -> _Token | None:
        """The next token, if it is one of these words or marks."""
        found = self.token
        if found.kind in ("word", "mark") and found.text in texts:
            self.next += 1
            return found
        return None

    def expect(self, text: str) -> None:
        if self.take(text) is None:
            raise ConditionError(f"{text} is missing", self.token.at)

    def whole(self) -> _Part:
        if self.token.kind == "end":
            raise ConditionError("write a comparison, or leave it empty", 0)
        found = self.truth(self.either())
        if self.token.kind != "end":
            raise ConditionError(f"{self.token.text!r} is too much: join comparisons by and, or", self.token.at)
        return found

    def either(self) -> _Part:
        found = self.both()
        while self.take("or"):
            found = _joined(self.truth(found), self.truth(self.both()), any)
        return found

    def both(self) -> _Part:
        found = self.negated()
        while self.take("and"):
            found = _joined(self.truth(found), self.truth(self.negated()), all)
        return found

    def negated(self) -> _Part:
        begun = self.take("not")
        if begun is None:
            return self.comparison()
        self.go_deeper(begun.at)
        part = self.truth(self.negated())
        self.depth -= 1
        return _Part(begun.at, frozenset({TRUTH}), lambda payload: part.value(payload) is not True, "not …")

    def go_deeper(self, at: int) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise ConditionError("this is nested too deeply", at)

    def comparison(self) -> _Part:
        left = self.operand()
        if sign := self.take("in"):
            return _member(left, self.literals(), sign.at)
        sign = self.take("==", "!=", "<", "<=", ">", ">=")
        if sign is None:
            return left
        return _compared(left, sign, self.operand())

    def literals(self) -> list[_Part]:
        self.expect("[")
        found = [self.literal()]
        while self.take(","):
            found.append(self.literal())
        self.expect("]")
        return found

    def literal(self) -> _Part:
        if self.token.kind == "path":
            raise ConditionError("a list holds texts and numbers only", self.token.at)
        return self.operand()

    def operand(self) -> _Part:
        token = self.token
        if begun := self.take("("):
            self.go_deeper(begun.at)
            found = self.either()
            self.expect(")")
            self.depth -= 1
            return found
        self.next += 1
        match token.kind, token.text:
            case "number", text:
                return _constant(token, float(text) if "." in text else int(text), NUMBER)
            case "text", text:
                return _constant(token, self.string(token), TEXT)
            case "word", "true" | "false":
                return _constant(token, token.text == "true", TRUTH)
            case "word", "null":
                return _constant(token, None, NULL)
            case "path", path:
                return _field(token, path, self.schema)
            case "end", _:
                raise ConditionError("something is missing at the end", token.at)
        raise ConditionError(f"a field or a value is missing before {token.text!r}", token.at)

    def string(self, token: _Token) -> str:
        if token.text[0] == "'":
            return token.text[1:-1]
        try:
            return str(json.loads(token.text))
        except ValueError:
            raise ConditionError("this text cannot be read: write it as in JSON", token.at) from None

    def truth(self, part: _Part) -> _Part:
        if TRUTH not in part.kinds:
            raise ConditionError(f"{part.shown} is {_said(part.kinds)}: compare it with something", part.at)
        return part


def _constant(token: _Token, value: Any, kind: str) -> _Part:
    return _Part(token.at, frozenset({kind}), lambda _payload: value, token.text)


def _joined(left: _Part, right: _Part, how: Callable[[Iterator[bool]], bool]) -> _Part:
    parts = (left.value, right.value)
    return _Part(left.at, frozenset({TRUTH}), lambda payload: how(part(payload) is True for part in parts), left.shown)


def _member(left: _Part, among: list[_Part], at: int) -> _Part:
    for each in among:
        _demand_alike(left, each, at)
    values = [each.value({}) for each in among]
    return _Part(
        left.at,
        frozenset({TRUTH}),
        lambda payload: any(_equal(left.value(payload), value) for value in values),
        left.shown,
    )


def _compared(left: _Part, sign: _Token, right: _Part) -> _Part:
    _demand_alike(left, right, sign.at)
    if sign.text not in ("==", "!=") and not left.kinds & right.kinds & ORDERED:
        raise ConditionError(f"{left.shown} is {_said(left.kinds)}, which has no order: use == or !=", sign.at)
    compare = COMPARE[sign.text]
    return _Part(
        left.at, frozenset({TRUTH}), lambda payload: compare(left.value(payload), right.value(payload)), left.shown
    )


def _demand_alike(left: _Part, right: _Part, at: int) -> None:
    if left.kinds & right.kinds or (NULL in left.kinds | right.kinds and EVERY in (left.kinds, right.kinds)):
        return
    raise ConditionError(
        f"{left.shown} is {_said(left.kinds)}, {right.shown} is {_said(right.kinds)}: they are never equal", at
    )


def _equal(left: Any, right: Any) -> bool:
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def _ordered(left: Any, right: Any) -> bool:
    numbers = all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in (left, right))
    return numbers or (isinstance(left, str) and isinstance(right, str))


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<": lambda left, right: _ordered(left, right) and left < right,
    "<=": lambda left, right: _ordered(left, right) and left <= right,
    ">": lambda left, right: _ordered(left, right) and left > right,
    ">=": lambda left, right: _ordered(left, right) and left >= right,
}


def _said(kinds: frozenset[str]) -> str:
    return "anything" if kinds == EVERY else " or ".join(sorted(kinds))


# -- fields of the schema ------------------------------------------------------------------------------------------------


def _field(token: _Token, path: str, schema: Mapping[str, Any]) -> _Part:
    names = path.split(".")
    shapes, at = [schema], token.at
    walked = ""
    for name in names:
        shapes = _inside(shapes, name, walked, at, schema)
        walked = f"{walked}.{name}" if walked else name
        at += len(name) + 1
    kinds = frozenset(kind for shape in _alternatives(shapes, schema) for kind in _kinds(shape))

    def value(payload: Mapping[str, Any]) -> Any:
        found: Any = payload
        for name in names:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found

    return _Part(token.at, kinds or EVERY, value, path)


def _inside(
    shapes: list[Mapping[str, Any]], name: str, walked: str, at: int, schema: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """The shapes of a field of these shapes. Raises ConditionError where none has it."""
    found: list[Mapping[str, Any]] = []
    known: set[str] = set()
    for shape in _alternatives(shapes, schema):
        properties = shape.get("properties", {})
        known |= properties.keys()
        if name in properties:
            found.append(properties[name])
        elif not shape:
            found.append({})
        elif shape.get("type") == "object" and not properties:
            more = shape.get("additionalProperties", {})
            found.append(more if isinstance(more, Mapping) else {})
    if found:
        return found
    if not known:
        raise ConditionError(f"{walked} has no fields", at)
    raise ConditionError(
        f"there is no field {name}{f' in {walked}' if walked else ''} (there are: {', '.join(sorted(known))})", at
    )


def _alternatives(shapes: list[Mapping[str, Any]], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for shape in shapes:
        if "$ref" in shape:
            yield from _alternatives([schema["$defs"][shape["$ref"].rpartition("/")[2]]], schema)
        elif "anyOf" in shape:
            yield from _alternatives(shape["anyOf"], schema)
        else:
            yield shape


def _kinds(shape: Mapping[str, Any]) -> Iterator[str]:
    given = shape.get("type")
    if given is not None:
        yield from (KINDS[one] for one in ([given] if isinstance(given, str) else given))
    elif "enum" in shape:
        yield from (_kind_of(value) for value in shape["enum"])
    else:
        yield from EVERY


def _kind_of(value: Any) -> str:
    match value:
        case bool():
            return TRUTH
        case int() | float():
            return NUMBER
        case None:
            return NULL
    return TEXT
