"""Cases as text: inputs of a script with what must hold for its outcome, decoded strictly, written always alike."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from scripting.sandbox.plain_data import ValueProblem, encode_value
from scripting.texts.plain_json import from_json, jsonable, strict

MAX_BYTES = 1 << 20
MAX_EXPECTATIONS = 200
OUTCOMES = ("succeeds", "fails", "refused", "left")
ROOTS = ("outcome", "result", "effects", "log", "error")
"""Where the way to an expected value may begin."""

Number = int | float
Whole = Annotated[int, Meta(ge=0, lt=1 << 62)]
Path = tuple[str | int, ...]


class CaseProblem(ValueError):
    """A text is no case: `place` says where (`line 3, column 5` or `expect[0].at`), `problem` says what."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}" if place else problem)
        self.place = place
        self.problem = problem


class Happening(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """The event that the script runs on, as the bus carries it."""

    topic: str
    payload: dict[str, Any] = {}
    key: str = ""
    user_id: str = ""
    metadata: dict[str, Any] = {}
    depth: Whole = 0
    id: str = "case"
    cause: str = ""
    request_id: str = ""
    published_us: Whole = 0


class Read(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """The answer of a function that reads the game, or its refusal. Without `arguments`: whatever it is asked."""

    function: str
    arguments: dict[str, Any] | None = None
    answer: Any = None
    error: str = ""


class Expectation(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A condition on one place of the outcome: a value (numbers within a tolerance), or bounds."""

    at: str
    equal: Any = UNSET
    within: Annotated[float, Meta(ge=0)] | UnsetType = UNSET
    between: tuple[Number | None, Number | None] | UnsetType = UNSET

    @property
    def path(self) -> Path:
        return path_of(self.at)


class CaseText(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A case: what a script is given, and what must hold. Of `event` and `inputs` there is one, or none for a bare run."""

    event: Happening | None = None
    inputs: dict[str, Any] | None = None
    """Context variables of a run on no event."""
    reads: list[Read] = []
    seed: Annotated[int, Meta(ge=0, le=(1 << 63) - 1)] = 0
    clock_us: Whole = 0
    expect: Annotated[list[Expectation], Meta(max_length=MAX_EXPECTATIONS)] = []
    note: Annotated[str, Meta(max_length=2000)] = ""


# -- reading -----------------------------------------------------------------------------------------------------------


def decode(text: str | bytes) -> CaseText:
    """The case that a text holds. Raises CaseProblem."""
    try:
        given = strict(text if isinstance(text, str) else text.decode("utf-8-sig"), from_json)
    except json.JSONDecodeError as error:
        raise CaseProblem(f"line {error.lineno}, column {error.colno}", error.msg) from None
    except UnicodeDecodeError as error:
        raise CaseProblem(f"byte {error.start}", "is not UTF-8") from None
    except ValueError as error:
        raise CaseProblem("", str(error)) from None
    return from_plain(given)


def from_plain(given: Any) -> CaseText:
    """The case that decoded JSON stands for. Raises CaseProblem."""
    try:
        case = msgspec.convert(given, CaseText)
    except (msgspec.ValidationError, RecursionError) as error:
        text = str(error)[:500] or "it is nested too deeply"
        place = _PLACE.search(text)
        raise CaseProblem(place[1].lstrip(".") if place else "", _PLACE.sub("", text)) from None
    if case.event is not None and case.inputs is not None:
        raise CaseProblem("inputs", "give one of event and inputs")
    for at, expected in enumerate(case.expect):
        _look_at(expected, f"expect[{at}]")
    parts: dict[str, Any] = {
        "event": _plain(case.event),
        "inputs": case.inputs,
        "reads": [_plain(r) for r in case.reads],
    }
    parts["expect"] = [[each.at, None if each.equal is UNSET else each.equal] for each in case.expect]
    parts["note"] = case.note
    for name, value in parts.items():
        try:
            encode_value(value, name=name)
        except ValueProblem as problem:
            raise CaseProblem(problem.path, problem.problem) from None
    return case


_PLACE = re.compile(r" - at `\$(.*)`$")


def _plain(part: Struct | None) -> Any:
    return None if part is None else msgspec.structs.asdict(part)


def _look_at(expected: Expectation, place: str) -> None:
    """Raises CaseProblem for an expectation that says nothing, or two things."""
    path = _path_at(expected.at, f"{place}.at")
    if (expected.equal is UNSET) is (expected.between is UNSET):
        raise CaseProblem(place, "give one of equal and between")
    if expected.within is not UNSET and expected.equal is UNSET:
        raise CaseProblem(f"{place}.within", "a tolerance goes with equal")
    if expected.between is not UNSET:
        low, high = expected.between
        if low is None and high is None:
            raise CaseProblem(f"{place}.between", "one of the two bounds must be a number")
        if low is not None and high is not None and low > high:
            raise CaseProblem(f"{place}.between", f"{low} is more than {high}")
    if path == ("outcome",) and expected.equal not in OUTCOMES:
        raise CaseProblem(f"{place}.equal", f"an outcome is one of {', '.join(OUTCOMES)}")


# -- places of an outcome ------------------------------------------------------------------------------------------------

_STEP = re.compile(r'\.([^.\[\]"]+)|\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*")\]')


def path_of(at: str) -> Path:
    """`result.units[0].health` → ("result", "units", 0, "health"); `["any name"]` for what is no word. Raises CaseProblem."""
    return _path_at(at, "at")


def _path_at(at: str, place: str) -> Path:
    root = re.match(r"[a-z]+", at)
    if root is None or root[0] not in ROOTS:
        raise CaseProblem(place, f"a place begins with one of {', '.join(ROOTS)}, such as result.damage")
    path: list[str | int] = [root[0]]
    end = root.end()
    while end < len(at):
        step = _STEP.match(at, end)
        if step is None:
            raise CaseProblem(place, f'write {at[:end]}.name, {at[:end]}[0] or {at[:end]}["any name"]')
        word, number, quoted = step.groups()
        try:
            path.append(word if word is not None else int(number) if number is not None else json.loads(quoted))
        except ValueError:
            raise CaseProblem(place, f"{quoted} is no text of JSON") from None
        end = step.end()
    return tuple(path)


def written(path: Path) -> str:
    """The inverse of `path_of`."""
    text = str(path[0])
    for step in path[1:]:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if re.fullmatch(r"[^.\[\]\"]+", step) else f"[{json.dumps(step, ensure_ascii=False)}]"
    return text


# -- writing -----------------------------------------------------------------------------------------------------------


def encode(case: CaseText) -> str:
    """The one text of a case: names sorted, two blanks deep, one line break at the end.

    What the script is given keeps its order, since a script can see it.
    """
    written_case: dict[str, Any] = {}
    if case.event is not None:
        written_case["event"] = jsonable(_given(case.event))
    if case.expect:
        written_case["expect"] = [_expected(each) for each in case.expect]
    if case.inputs is not None:
        written_case["inputs"] = jsonable(case.inputs)
    if case.note:
        written_case["note"] = case.note
    if case.reads:
        written_case["reads"] = [jsonable(_read(each)) for each in case.reads]
    written_case |= {"clock_us": case.clock_us, "seed": case.seed}
    return json.dumps(dict(sorted(written_case.items())), indent=2, ensure_ascii=False) + "\n"


def _given(struct: Struct) -> dict[str, Any]:
    """Its fields that differ from their defaults, by name."""
    defaults = {
        each.name: each.default if each.default is not msgspec.NODEFAULT else None
        for each in msgspec.structs.fields(struct)
    }
    fields = msgspec.structs.asdict(struct)
    return {
        name: value for name, value in sorted(fields.items()) if value != defaults[name] and value not in ({}, None)
    }


def _read(read: Read) -> dict[str, Any]:
    found: dict[str, Any] = {"function": read.function}
    if read.error:
        found["error"] = read.error
    else:
        found["answer"] = read.answer
    if read.arguments is not None:
        found["arguments"] = read.arguments
    return dict(sorted(found.items()))


def _expected(expected: Expectation) -> dict[str, Any]:
    found: dict[str, Any] = {"at": expected.at}
    if expected.between is not UNSET:
        found["between"] = list(expected.between)
    if expected.equal is not UNSET:
        found["equal"] = in_order(jsonable(expected.equal))
    if expected.within is not UNSET:
        found["within"] = expected.within
    return found


def in_order(value: Any) -> Any:
    """JSON with the names of each object sorted."""
    match value:
        case Mapping():
            return {name: in_order(value[name]) for name in sorted(value)}
        case list():
            return [in_order(item) for item in value]
    return value


def digest_of(text: str) -> str:
    """sha256 (hex) of a case's text."""
    return hashlib.sha256(text.encode()).hexdigest()
