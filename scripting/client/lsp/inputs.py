"""Find the part of its inputs that an expression of a script stands for, by its text as it is written: it need not be complete.

The same rules as the workbench's editor has them (`shapes.js`). Nothing is parsed: names are looked up by the lines that give them
a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scripting.sandbox.protocol import Inputs, Shape
from scripting.texts.schema_fields import fields_of

DEEP = 8
"""Names that stand for names."""
LINES = 100_000
"""Lines that one question may look at, whatever the text is."""
WIDE = 500
"""Characters of a line that are looked at."""
BEFORE = 300
"""Characters before the cursor that are."""

_STEP = re.compile(
    r"""\.get\(\s*["'](\w+)["'](?:[^()]|\([^()]*\))*\)|\[\s*["'](\w+)["']\s*\]|\[-?\d+\]|\.copy\(\)|\.(\w+)(?!\w*\()"""
)
_STEPS = (
    r"""(?:\.get\(\s*["']\w+["'](?:[^()]|\([^()]*\))*\)|\[\s*["']\w+["']\s*\]|\[-?\d+\]|\.copy\(\)|\.\w+(?!\w*\())*"""
)
_CHAIN = rf"[A-Za-z_]\w*(?:\(\))?{_STEPS}"
_VALUE = rf"({_CHAIN}|\([^()]*(?:\([^()]*\)[^()]*)*\){_STEPS})"
_ENDS = {
    "python": [rf"""{_VALUE}(?:\.get\(|\[)\s*["'](\w*)$"""],
    "tengo": [rf"""{_VALUE}\[\s*["'](\w*)$""", rf"({_CHAIN})\.(\w*)$"],
    "zygomys": [r"""\(hget\s+([\w.]+)\s+["%:](\w*)$""", r"([A-Za-z_][\w.]*)\.(\w*)$"],
}
"""Patterns of the text before the cursor, by language: the value whose fields are offered, then the part of a name typed so far."""
_GIVEN = {
    "python": [r"^\s*{name}\s*(?::[^=]+)?=(?!=)\s*(.+)$", r"\bfor\s+{name}\s+in\s+(.+)$"],
    "tengo": [r"\b{name}\s*:?=(?!=)\s*(.+)$", r"\bfor\s+(?:\w+\s*,\s*)?{name}\s+in\s+(.+?)\s*\{{"],
    "zygomys": [r"\(def\s+{name}\s+(.+)$", r"(?:^|[\s\[]){name}\s+(\(:.*)$", r"\[{name}\s+([\w.]+)\s*$"],
}
"""Lines that give a name its value, by language."""


@dataclass
class Part:
    """A variable of the context, or a field of one."""

    name: str = ""
    type: str = ""
    doc: str = ""
    example: str = ""
    places: list[str] = field(default_factory=list)
    """Where it comes, in words."""
    parts: dict[str, Part] = field(default_factory=dict)

    def part(self, name: str) -> Part:
        """The field of that name, made where it is missing."""
        return self.parts.setdefault(name, Part(name))


def inputs_of(runs: Iterable[Inputs], topics: Iterable[Mapping[str, Any]]) -> Part:
    """All inputs of the runs as one value, whose parts are the variables of the context."""
    root, known = Part(), {topic["name"]: topic for topic in topics}
    for run in runs:
        for name, shapes in run.variables.items():
            root.part(name).places.append(f"in a run on {run.label}")
            _add(root.part(name), shapes)
        if topic := known.get(run.label):
            _describe(root.part("message").part("payload"), topic)
    return root


def _add(part: Part, shapes: Sequence[Shape]) -> None:
    for shape in shapes:
        for name, inner in (shape.fields or {}).items():
            part.type = "dict"
            _add(part.part(name), inner)
        _add(part, shape.items or ())


def _describe(payload: Part, topic: Mapping[str, Any]) -> None:
    schema = topic["schema"]
    for found in fields_of(schema, schema.get("$defs", {}), topic["name"], (), topic.get("example")):
        part = payload
        for name in found["path"].split("."):
            part = part.part(name)
        part.type, part.doc, part.example = found["type"], found["doc"] or part.doc, found["example"]
        part.places.append(f"{topic['name']}: payload.{found['path']}")


class Finder:
    """Looks up expressions of one text."""

    def __init__(self, inputs: Part, language: str, lines: Sequence[str]) -> None:
        self.inputs = inputs
        self.language = language
        self.lines = [line[:WIDE] for line in lines]
        self._left = LINES

    def before(self, row: int, column: int) -> Part | None:
        """The value whose field is asked for at a place; None where nothing is known of it."""
        before = self.lines[row][max(0, column - BEFORE) : column]
        ends = (re.search(end, before) for end in _ENDS.get(self.language, _ENDS["python"]))
        found = next((end[1] for end in ends if end), "")
        if not found and self.language == "zygomys" and re.search(r"\(:\w*$", before):  # (:field value)
            after = re.match(r"\w*\s+([\w.]+)", self.lines[row][column:])
            found = after[1] if after else ""
        value = self._value(found, row, DEEP) if found else None
        return value if value and value.parts else None

    def _value(self, text: str, row: int, deep: int) -> Part | None:
        """The value of an expression: of `first or second` that of the first."""
        expression, is_lisp = text.strip(), self.language == "zygomys"
        if deep < 0:
            return None
        if is_lisp and (asked := re.match(r"\(:(\w+)\s+([\w.]+)", expression)):
            of = self._value(asked[2], row, deep - 1)
            return of.parts.get(asked[1]) if of else None
        inner = None if is_lisp else re.match(r"\(((?:[^()]|\([^()]*\))*)\)", expression)
        head = re.match(r"[A-Za-z_]\w*", expression)
        if inner:
            value, rest = self._value(inner[1], row, deep - 1), expression[inner.end() :]
        elif head is None:
            return None
        elif head[0] == "get_context":
            value, rest = self.inputs, expression[head.end() :].removeprefix("()")
        else:
            value, rest = self._name(head[0], row, deep), expression[head.end() :]
        while value and (step := _STEP.match(rest)):
            name = step[1] or step[2] or step[3]
            value = value.parts.get(name) if name else value
            rest = rest[step.end() :]
        return None if re.match(r"\s*[(.]", rest) else value  # the result of a call is unknown

    def _name(self, name: str, row: int, deep: int) -> Part | None:
        """The value of a name: of the line that gives it one, nearest above, else of the context, else by the name alone."""
        above = range(row - 1, -1, -1)
        for each in above:
            if found := self._given(name, each, deep):
                return found
        if name in self.inputs.parts:
            return self.inputs.parts[name]
        for each in range(row + 1, len(self.lines)):
            if found := self._given(name, each, deep):
                return found
        return self._called(name)

    def _given(self, name: str, row: int, deep: int) -> Part | None:
        self._left -= 1
        line = self.lines[row]
        if self._left < 0 or name not in line:
            return None
        given = (re.search(each.format(name=name), line) for each in _GIVEN.get(self.language, ()))
        value = next((each[1] for each in given if each), "")
        return self._value(value, row, deep - 1) if value else None

    def _called(self, name: str) -> Part | None:
        """Every part of the inputs that has this name and fields of its own, as one."""
        made, left = Part(name), [self.inputs]
        while left:
            for each in left.pop().parts.values():
                left.append(each)
                if each.name == name:
                    made.parts |= each.parts
        return made if made.parts else None
