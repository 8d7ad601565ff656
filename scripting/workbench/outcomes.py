"""Outcomes as the workbench's page shows them. Every value is written here, as text: a browser's numbers are not exact."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from scripting.execution.comparison import DECIDING, MISSING, Compared, Failure, differing, equal, equal_calls, places
from scripting.modules.masking import HIDDEN, Mask
from scripting.runtime.host_calls import Call, in_words
from scripting.sandbox.protocol import decode_value
from scripting.texts.escaping import display, visible
from scripting.texts.plain_json import from_json, jsonable
from scripting.types import HostCallRecord, ScriptError, ScriptOutput
from scripting.workbench.access import Refusal

SHOWN = 600
"""Characters of one value in a table."""
WHOLE = 1 << 20
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
        "calls": [_call(call, mask) for call in output.host_calls],
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
    """A host call: what was asked, and what was answered; an effect is only listed."""
    answered = call.kind != "effect" and call.answer is not None
    return {
        "kind": call.kind,
        "asked": visible(mask.text(in_words(call, mask.value))),
        "answer": display(mask.value(decode_value(call.answer or b"")), SHOWN) if answered else "",
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
        texts = [_text(_at(side, (name,), known=name in own)) for side, own in zip(shown, fields, strict=True)]
        if mine.error is not None:
            texts = ["–", *texts]
        differs = len(values) == 2 and not equal(*values)
        yield _pair(visible(mask.text(name)), *texts, differs=differs)
        if differs and all(isinstance(value, (Mapping, list, tuple)) for value in values):
            for count, (path, *both) in enumerate(places(*values)):
                if count == INNER:
                    yield _pair("…", "more places differ", "", differs=True, inner=True)
                    break
                inner = [
                    _text(_at(side, (name, *path), known=value is not MISSING))
                    for side, value in zip(shown, both, strict=True)
                ]
                yield _pair(visible(mask.text(_path(name, path))), *inner, differs=True, inner=True)


def _effects(mine: Compared, theirs: Compared | None, mask: Mask) -> Iterator[dict[str, Any]]:
    """A row for each effect, in order; the same effect of both sides stands in one row."""
    if theirs is None:
        for number, effect in enumerate(mine.effects, 1):
            yield _pair(str(number), _effect(effect, mask))
        return
    for number, (one, other) in enumerate(_aligned(mine.effects, theirs.effects), 1):
        same = one is not None and other is not None and equal_calls([one], [other])
        yield _pair(str(number), *(_effect(each, mask) for each in (one, other)), differs=not same)


def _aligned(one: Sequence[Call], other: Sequence[Call]) -> Iterator[tuple[Call | None, Call | None]]:
    mine, theirs = ([display([each.name, each.arguments], WHOLE) for each in side] for side in (one, other))
    for _, a, b, c, d in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        for at in range(max(b - a, d - c)):
            yield one[a + at] if a + at < b else None, other[c + at] if c + at < d else None


def _effect(effect: Call | None, mask: Mask) -> str:
    if effect is None:
        return "–"
    given = ", ".join(f"{visible(k)}={display(v, WHOLE)}" for k, v in mask.value(effect.arguments).items())
    return f"{effect.name}({given})"


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


def _at(value: Any, path: Sequence[str | int], *, known: bool) -> Any:
    """The part of a masked value at this path; hidden where the mask took the path away."""
    if not known:
        return MISSING
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return HIDDEN
        if value == HIDDEN:
            return HIDDEN
    return value


def _text(value: Any) -> str:
    return "–" if value is MISSING else display(value, WHOLE)


def _path(name: str, path: Sequence[str | int]) -> str:
    return name + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


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
        raise Refusal(400, "not_json", "That is no outcome of a trial.") from None
