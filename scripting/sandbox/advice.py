"""Advice with what a script raised: what to write instead, for those who are new to the language."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

OTHER_WORDS: Mapping[str, str] = {
    "true": "True",
    "false": "False",
    "null": "None",
    "nil": "None",
    "undefined": "None",
    "NULL": "None",
    "TRUE": "True",
    "FALSE": "False",
    "NaN": 'float("nan")',
    "Infinity": "math.inf",
    "Math": "math, after import math",
    "console": "log(text)",
    "this": "self, in a method",
}
"""Names of other languages to what this one has."""


def advice(error: BaseException, frame: types.FrameType | None, excerpt: str, packages: Iterable[str]) -> str:
    """Say what to do about an error; empty if there is nothing to add. `frame` is the script's, `excerpt` its line."""
    match error:
        case RecursionError():
            return "a function calls itself without end, or too often: use a loop"
        case UnboundLocalError():
            return _unbound(error, frame)
        case NameError():
            return _unknown(error, frame, packages)
        case KeyError():
            return "use .get(key, default) where a key may be missing"
        case AttributeError():
            return _attribute(error, excerpt)
        case TypeError():
            return _type(str(error))
    return ""


def for_name(name: str, known: Iterable[str], packages: Iterable[str]) -> str:
    """Guess what was meant by a name that nothing defines; empty if unknown."""
    if name in OTHER_WORDS:
        return f"write {OTHER_WORDS[name]}"
    if name in packages:
        return f"write import {name} at the top"
    near = get_close_matches(name, [one for one in known if one.isidentifier() and not one.startswith("__")], 1, 0.75)
    return f"did you mean {near[0]}?" if near else ""


def _unbound(error: UnboundLocalError, frame: types.FrameType | None) -> str:
    found = re.search(r"variable '(\w+)'", str(error))
    name = found[1] if found else "the name"
    if frame is not None and name in frame.f_globals:
        return (
            f"the function assigns {name}, so {name} is a name of its own there: "
            f"write global {name} as the function's first line, or pass the value in and return it"
        )
    return f"give {name} a value before it is used"


def _unknown(error: NameError, frame: types.FrameType | None, packages: Iterable[str]) -> str:
    name = error.name or ""
    known: list[str] = []
    if frame is not None:
        known = [*frame.f_locals, *frame.f_globals, *frame.f_builtins]
    guess = for_name(name, known, packages)
    return guess or "is the name spelled right? context variables may be missing: use get_context().get(name)"


def _attribute(error: AttributeError, excerpt: str) -> str:
    name, value = str(error.name or ""), error.obj
    if isinstance(value, dict):
        for chain in re.findall(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?!\w*\()", excerpt):
            first, *keys = str(chain).split(".")
            if name in keys:
                return "write " + first + "".join(f'["{key}"]' for key in keys)
        return f'the keys of a dict stand in brackets: ["{name}"]' if name else ""
    if value is None and "'NoneType'" in str(error):
        return "what stands before the point is None: was the value found, and does the function return one?"
    return ""


def _type(message: str) -> str:
    for pattern, hint in _TYPES:
        if re.search(pattern, message):
            return hint
    return ""


_TYPES: tuple[tuple[str, str], ...] = (
    (
        r"^can only concatenate str|\+: '\w+' and 'str'",
        'put values into text with an f-string, f"{value}", or str(value)',
    ),
    (r"^'NoneType' object is not", "the value is None: was it found, and does the function return one?"),
    (r"^'module' object is not callable", "call a function of the package: math.sqrt(4)"),
    (r"^list indices must be integers", "a list is counted by numbers; only a dict has keys"),
    (r"^log\(\) got an unexpected keyword", "log(text) takes values alone; print() takes sep and end"),
    (r"^exceptions must derive", 'write raise ValueError("what is wrong")'),
    (r"^unhashable type: '(list|dict|set)'", "keys and members of sets cannot change: use tuple(…)"),
)
