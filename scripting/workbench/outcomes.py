"""Outcomes as the workbench's page shows them. Every value is written here, as text: a browser's numbers are not exact."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scripting.execution.comparison import DECIDING, MISSING, Compared, Failure, differing, equal
from scripting.execution.differences import NOTHING, effect_text, effects_side_by_side, places_shown, text_of
from scripting.modules.masking import HIDDEN, Mask
from scripting.runtime.host_calls import Call, in_words
from scripting.sandbox.protocol import decode_value
from scripting.texts.escaping import display, visible
from scripting.texts.plain_json import from_json, jsonable
from scripting.types import HostCallRecord, ScriptError, ScriptOutput
from scripting.workbench.access import Refusal

SHOWN = 600
"""Characters of one value in a table."""
BEFORE = 60
"""Of two long texts, so much is shown before the first character that differs."""
INNER = 40
"""Places inside one field that are listed where they differ."""


# -- one outcome -------------------------------------------------------------------------------------------------------


def described(output: ScriptOutput, seen: Compared, mask: Mask, number: int | None = None) -> dict[str, Any]:
    """An outcome: masked, and every text in it shown as text."""
    metrics = output.metrics
    return {
        "version": number,
        "status": output.status,
        "result": display(mask.value(output.result)),
        "logs": [visible(mask.text(line)) for line in output.logs],
        "log_us": list(output.log_us),
        "log_truncated": output.log_truncated,
        "error": _error(output.error, mask),
        "left": visible(mask.text(output.left_recording)),
        "seed": str(output.seed) if output.seed is not None else None,
        "calls": [_call(call, mask) for call in output.host_calls if call.kind != "effect" or call.answer is None],
        "record": _record(seen, mask),
        "metrics": {
            "compile_us": metrics.compile_us,
            "wall_us": metrics.wall_us,
            "cpu_us": metrics.cpu_us,
            "memory_bytes": metrics.memory_bytes,
            "host_us": metrics.host_us,
        },
    }


def _error(error: ScriptError | None, mask: Mask) -> dict[str, Any] | None:
    if error is None:
        return None
    return {
        "type": error.type.value,
        "message": visible(mask.text(error.message)),
        "line": error.line,
        "column": error.column,
        "script": error.script,
        "excerpt": visible(error.excerpt),
        "hint": visible(error.hint),
    }


def _call(call: HostCallRecord, mask: Mask) -> dict[str, Any]:
    """A host call: what was asked, and what was answered. Accepted effects are listed apart."""
    return {
        "kind": call.kind,
        "asked": visible(mask.text(in_words(call, mask.value))),
        "answer": "" if call.answer is None else display(mask.value(decode_value(call.answer)), SHOWN),
        "error": visible(mask.text(call.error)),
    }


# -- two outcomes ------------------------------------------------------------------------------------------------------


def beside(mine: Compared, theirs: Compared | None, mask: Mask) -> dict[str, Any]:
    """One outcome beside another, or alone: which parts differ, and both sides row by row."""
    parts = differing(mine, theirs) if theirs is not None else ()
    failed = mine.error is not None or (theirs is not None and theirs.error is not None)
    return {
        "parts": list(parts),
        "decides_alike": theirs is not None and not set(parts) & set(DECIDING),
        "result": list(_results(mine, theirs, mask)),
        "effects": list(_effects(mine, theirs, mask)),
        "error": [_pair("error", *_errors(mine, theirs, mask), differs="error" in parts)] if failed else [],
    }


def _results(mine: Compared, theirs: Compared | None, mask: Mask) -> Iterator[dict[str, Any]]:
    """A row for each field of the results; below one that differs, the places in it that do."""
    sides = [side for side in (mine, theirs) if side is not None and side.error is None]
    fields = [fields_of(side.result) for side in sides]
    shown = [fields_of(mask.value(side.result)) for side in sides]
    for name in dict.fromkeys(name for side in fields for name in side):
        values = [side.get(name, MISSING) for side in fields]
        masked = [side.get(name, HIDDEN if name in own else MISSING) for side, own in zip(shown, fields, strict=True)]
        texts = [text_of(value) for value in masked]
        if mine.error is not None:
            texts = [NOTHING, *texts]
        differs = len(values) == 2 and not equal(*values)
        yield _pair(visible(mask.text(name)), *texts, differs=differs)
        if differs and all(isinstance(value, (Mapping, list, tuple)) for value in values):
            yield from _inner(visible(mask.text(name)), values, masked, mask)


def _inner(name: str, values: Sequence[Any], masked: Sequence[Any], mask: Mask) -> Iterator[dict[str, Any]]:
    for count, (path, one, other) in enumerate(places_shown(*values, *masked)):
        if count == INNER:
            yield _pair("…", "more places differ", "", differs=True, inner=True)
            return
        dot = "" if path.startswith("[") or not path else "."
        yield _pair(f"{name}{dot}{mask.text(path)}", one, other, differs=True, inner=True)


def _effects(mine: Compared, theirs: Compared | None, mask: Mask) -> Iterator[dict[str, Any]]:
    """A row for each effect, in order; the same effect of both sides stands in one row."""
    if theirs is None:
        for number, effect in enumerate(mine.effects, 1):
            yield _pair(str(number), effect_text(effect, mask))
        return
    pairs = effects_side_by_side(mine.effects, theirs.effects, mask)
    for number, (one, other, differs) in enumerate(pairs, 1):
        yield _pair(str(number), one, other, differs=differs)


def _errors(mine: Compared, theirs: Compared | None, mask: Mask) -> list[str]:
    sides = (mine,) if theirs is None else (mine, theirs)
    return ["none" if side.error is None else visible(mask.text(str(side.error))) for side in sides]


def _pair(
    name: str, mine: str, theirs: str | None = None, *, differs: bool = False, inner: bool = False
) -> dict[str, Any]:
    """A row. Of long texts the part is shown in which they differ."""
    start = 0
    if differs and theirs is not None and max(len(mine), len(theirs)) > SHOWN:
        common = next((at for at, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b), 0)
        start = max(0, common - BEFORE)
    if differs and mine == theirs:
        theirs = f"{theirs} (differs in what is hidden)"
    cut = [None if text is None else _cut(text, start) for text in (mine, theirs)]
    return {"name": name, "mine": cut[0], "theirs": cut[1], "differs": differs, "inner": inner}


def _cut(text: str, start: int) -> str:
    part = text[start : start + SHOWN]
    return f"{'…' if start else ''}{part}{'…' if start + SHOWN < len(text) else ''}"


def fields_of(result: Any) -> Mapping[str, Any]:
    """The fields of a result; one that is no object, or empty, is a field of its own."""
    return result if isinstance(result, Mapping) and result else {"result": result}


# -- kept by the page --------------------------------------------------------------------------------------------------


def _record(seen: Compared, mask: Mask) -> str:
    """An outcome as the page keeps it, to be compared with another one later: `from_record` is the inverse."""
    error = seen.error
    return json.dumps(
        {
            "status": seen.status,
            "error": error and [error.type, mask.text(error.message), error.script, error.line, error.column],
            "result": jsonable(mask.value(seen.result)),
            "effects": [[each.name, jsonable(mask.value(each.arguments))] for each in seen.effects],
            "logs": [mask.text(line) for line in seen.logs],
        }
    )


def from_record(text: str) -> Compared:
    """Raises Refusal for a text that is no record."""
    try:
        kept = json.loads(text, object_hook=from_json)
        return Compared(
            kept["status"],
            Failure(*kept["error"]) if kept["error"] else None,
            kept["result"],
            [Call(str(name), dict(arguments)) for name, arguments in kept["effects"]],
            [str(line) for line in kept["logs"]],
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        raise no_record() from None


def no_record() -> Refusal:
    return Refusal(400, "not_json", "That is no outcome of a trial.")
