"""Find the knobs of a text, and put other values in the place of their defaults, before the text is parsed.

A literal takes a literal's place, so a run costs what it costs with the default, and no line moves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scripting.sandbox.knobs import values
from scripting.sandbox.knobs.comment import FORMS, WORD, Comment, Malformed, begins, read
from scripting.sandbox.knobs.notation import Notation
from scripting.sandbox.knobs.values import NoValue
from scripting.sandbox.policy.refusal import Refusal
from scripting.sandbox.protocol import Knob, KnobValue

MOST = 64
_BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
_BRACKET = re.compile(r"[()\[\]{}]")


@dataclass(frozen=True)
class Place:
    """A part of a line: offsets in the text, and for people line and column (1-based, in characters)."""

    start: int
    end: int
    line: int
    column: int

    @property
    def end_column(self) -> int:
        return self.column + self.end - self.start

    def refusal(self, message: str, hint: str = "") -> Refusal:
        return Refusal(
            "compilation", message, self.line, self.column, end_line=self.line, end_column=self.end_column, hint=hint
        )


@dataclass(frozen=True)
class Declared:
    """A knob as the text declares it."""

    name: str
    kind: str
    default: KnobValue
    comment: Comment
    place: Place
    """Of the default."""
    at: Place
    """Of the name."""

    def with_value(self, value: KnobValue | None) -> Knob:
        """As a report has it, with the value that is set for it (None: none is)."""
        taken, problem = self.default, ""
        if value is not None:
            try:
                taken = values.fitting(value, self.kind, self.comment)
            except NoValue as error:
                problem = str(error)
        low, high, step = (
            None if part is None else (int(part) if self.kind == "whole" else float(part))
            for part in (self.comment.low, self.comment.high, self.comment.step)
        )
        return Knob(
            self.name, self.kind, self.default, taken, low, high, step, self.comment.choices, self.comment.label,
            self.at.line, self.at.column, self.at.end_column, problem,
        )  # fmt: skip


@dataclass(frozen=True)
class Found:
    """The knobs of a text, in its order, and what is wrong with others."""

    knobs: tuple[Declared, ...]
    problems: tuple[Refusal, ...]

    def with_values(self, given: Mapping[str, KnobValue]) -> tuple[Knob, ...]:
        return tuple(knob.with_value(given.get(knob.name)) for knob in self.knobs)

    def written(self, text: str, given: Mapping[str, KnobValue], flags: tuple[str, str]) -> str:
        """The text with these values in the place of the defaults, where they fit."""
        for declared in reversed(self.knobs):
            knob = declared.with_value(given.get(declared.name))
            if knob.value != knob.default:
                place = declared.place
                text = text[: place.start] + values.written(knob.value, flags) + text[place.end :]
        return text


def find(text: str, notation: Notation) -> Found:
    """The knobs of a text that is within its bounds."""
    if WORD not in text:
        return Found((), ())
    knobs: dict[str, Declared] = {}
    problems: list[Refusal] = []
    for comment, line, is_inside in _comments(text, notation):
        try:
            declared = _declared(text, comment, line, notation, is_inside=is_inside)
            if declared is None:
                continue
            if declared.name in knobs:
                first = knobs[declared.name].at.line
                raise declared.at.refusal(f"there is a knob {declared.name} on line {first} already", "rename one")
            if len(knobs) == MOST:
                raise declared.at.refusal(f"a script has at most {MOST} knobs")
            knobs[declared.name] = declared
        except Refusal as refusal:
            problems.append(refusal)
    return Found(tuple(knobs.values()), tuple(problems))


def _comments(text: str, notation: Notation) -> Iterator[tuple[re.Match[str], int, bool]]:
    """Comments that begin as a knob's, each with its line and whether it stands inside brackets."""
    depth = last = 0
    line, counted = 1, 0
    for lexeme in notation.lexeme.finditer(text):
        depth += sum(_BRACKETS[bracket] for bracket in _BRACKET.findall(text, last, lexeme.start()))
        last = lexeme.end()
        if lexeme.lastgroup != "comment" or not begins(lexeme.group()[len(notation.mark) :].strip()):
            continue
        line += text.count("\n", counted, lexeme.start())
        counted = lexeme.start()
        yield lexeme, line, depth > 0


def _declared(text: str, found: re.Match[str], line: int, notation: Notation, *, is_inside: bool) -> Declared | None:
    """The knob of a comment; None for prose that begins with the word. Raises Refusal."""
    begin = text.rfind("\n", 0, found.start()) + 1
    if begin == 0 and text[:1] == "\ufeff":
        begin = 1

    def place(start: int, end: int) -> Place:
        return Place(start, end, line, start - begin + 1)

    comment_place = place(found.start(), found.start() + len(found.group().rstrip()))
    constant = None if is_inside else notation.constant.fullmatch(text[begin : found.start()].rstrip())
    try:
        comment = read(found.group()[len(notation.mark) :].strip())
    except Malformed as malformed:
        if constant is None:
            return None
        raise comment_place.refusal(str(malformed), FORMS) from None
    if constant is None:
        message = "a knob is a constant at the top of the script, with this comment at the end of its line"
        raise comment_place.refusal(message)
    at = place(begin + constant.start("name"), begin + constant.end("name"))
    value = place(begin + constant.start("value"), begin + constant.end("value"))
    if not constant["value"]:
        raise at.refusal(f"the knob {constant['name']} has no default", "write a number, a text, or true or false")
    default = values.literal(constant["value"], notation.flags)
    if default is None:
        hint = f"write a number, a text in quotes, {notation.flags[0]} or {notation.flags[1]}"
        raise value.refusal(f"the default of the knob {constant['name']} is not a plain value", hint)
    try:
        kind = values.kind_of(default, comment)
    except NoValue as error:
        raise comment_place.refusal(str(error)) from None
    try:
        values.fitting(default, kind, comment)
    except NoValue as error:
        raise value.refusal(f"the default of the knob {constant['name']} {error}") from None
    return Declared(constant["name"], kind, default, comment, value, at)
