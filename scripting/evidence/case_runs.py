"""Decide a case by a bundle, and say which of its expectations hold. Nothing takes effect, and no database is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, structs

from scripting.bus.events import Event
from scripting.evidence.decide import Decided, Decider, Situation
from scripting.execution.comparison import MISSING, equal, places
from scripting.execution.run import on_inputs
from scripting.modules.calls import CallContext
from scripting.modules.scriptable import ScriptableModule
from scripting.modules.topics import TopicError, topics
from scripting.sandbox.protocol import encode_value
from scripting.texts.case_text import CaseProblem, CaseText, Expectation, Happening, Path, written
from scripting.texts.escaping import display, one_line
from scripting.types import HostCallRecord

SHOWN = 200
"""Characters of one value in a message."""
NOTHING = "nothing"
NAMED = 3
"""Places inside one value that are named."""


@dataclass(frozen=True)
class Finding:
    """One expectation beside what came."""

    at: str
    expected: str
    came: str
    holds: bool

    def __str__(self) -> str:
        return f"{self.at}: expected {self.expected}, got {self.came}"


@dataclass(frozen=True)
class CaseOutcome:
    """The outcome of one case."""

    name: str
    passed: bool
    message: str = ""
    """Why it is red; empty where it passed."""
    findings: Sequence[Finding] = ()
    """Every expectation, in the order of the case."""
    came: str = ""
    """The outcome in one line."""
    wall_us: int = 0


def run(
    name: str, case: CaseText, decider: Decider, module: ScriptableModule | None, script: tuple[str, str]
) -> CaseOutcome:
    """Decide a case and look at its expectations. Raises SupervisorError for what is ours."""
    try:
        situation = situation_of(case, module, *script)
    except CaseProblem as problem:
        return CaseOutcome(name, False, f"the case does not fit: {problem}")
    decided = decider.decide_on(situation)
    findings = list(judge(case, decided))
    red = [str(each) for each in findings if not each.holds]
    came = in_words(decided)
    if red and outcome_of(decided) != "succeeds":  # that says more than what is missing of its result
        red = [
            came,
            *(str(each) for each in findings if not each.holds and each.at != "outcome" and each.came != NOTHING),
        ]
    message = one_line("; ".join(red), 1000)
    return CaseOutcome(name, not red, message, findings, came, decided.metrics.wall_us)


# -- what it is decided on -----------------------------------------------------------------------------------------------


def situation_of(case: CaseText, module: ScriptableModule | None, module_name: str, script: str) -> Situation:
    """The situation that a case puts a script in. Raises CaseProblem for what the game does not have."""
    call = CallContext(module_name, script, "case", trial=True)
    if case.event is not None:
        variables = _event(case.event, module_name, script).script_context(module_name)
        call = structs.replace(on_inputs(call, variables), depth=case.event.depth, user_id=case.event.user_id)
    else:
        variables = case.inputs or {}
        call = on_inputs(call, variables)
    reads: list[HostCallRecord] = []
    for at, read in enumerate(case.reads):
        function = module.functions.get(read.function) if module else None
        if function is None or function.kind != "read":
            known = ", ".join(sorted(f.name for f in (module.functions.values() if module else ()) if f.kind == "read"))
            problem = f"{module_name} has no function {read.function} that reads the game (it has: {known or 'none'})"
            raise CaseProblem(f"reads[{at}].function", problem)
        answer = None if read.error else encode_value(read.answer)
        arguments = b"" if read.arguments is None else encode_value([[], read.arguments])
        reads.append(HostCallRecord(read.function, "read", arguments, answer, read.error))
    return Situation(call, variables, encode_value(variables), case.seed, case.clock_us, tuple(reads))


def _event(given: Happening, module: str, script: str) -> Event:
    payload = given.payload
    if given.topic in topics:
        try:
            payload = topics.get(given.topic).validate(payload)
        except TopicError as error:
            raise CaseProblem("event.payload", str(error)) from None
    return Event(
        id=given.id,
        topic=given.topic,
        payload=payload,
        subscribers=[(module, script)],
        key=given.key,
        user_id=given.user_id,
        metadata=given.metadata,
        depth=given.depth,
        cause=given.cause,
        request_id=given.request_id,
        published_us=given.published_us,
    )


# -- what came of it -----------------------------------------------------------------------------------------------------


def outcome_of(decided: Decided) -> str:
    """Its class: one of `case_text.OUTCOMES`."""
    if decided.left:
        return "left"
    return "fails" if decided.failed else "refused" if decided.refusal else "succeeds"


def in_words(decided: Decided) -> str:
    """The outcome in one line."""
    error = decided.compared.error
    if decided.left:
        return one_line(f"it asks for what the case does not answer, at {decided.left}", 400)
    if error is not None:
        where = f" at line {error.line}" if error.line else ""
        return one_line(f"it fails{where}: {error.message}", 400)
    if decided.refusal:
        return one_line(f"the game would refuse this: {decided.refusal}", 400)
    return display(decided.compared.result, 400)


def parts_of(decided: Decided) -> dict[str, Any]:
    """The outcome as the places of expectations name it."""
    compared = decided.compared
    found: dict[str, Any] = {"outcome": outcome_of(decided), "log": list(compared.logs)}
    if compared.error is not None:
        error = compared.error
        found["error"] = {"type": error.type, "message": error.message, "line": error.line, "column": error.column}
    else:
        found["result"] = compared.result
        found["effects"] = [{"name": call.name, "arguments": dict(call.arguments)} for call in compared.effects]
    return found


def judge(case: CaseText, decided: Decided) -> Iterator[Finding]:
    """Each expectation beside what came; first the outcome, where none names it."""
    parts = parts_of(decided)
    paths = [expected.path for expected in case.expect]
    if ("outcome",) not in paths:
        wanted = "fails" if any(path[0] == "error" for path in paths) else "succeeds"
        if parts["outcome"] != wanted:
            yield _found(Expectation(at="outcome", equal=wanted), parts["outcome"])
    for expected, path in zip(case.expect, paths, strict=True):
        yield _found(expected, _part_at(parts, path))


def _part_at(value: Any, path: Path) -> Any:
    for step in path:
        match value, step:
            case Mapping(), str() if step in value:
                value = value[step]
            case ((list() | tuple()), int()) if step < len(value):
                value = value[step]
            case _:
                return MISSING
    return value


def _found(expected: Expectation, came: Any) -> Finding:
    if expected.between is not UNSET:
        low, high = expected.between
        is_number = isinstance(came, (int, float)) and not isinstance(came, bool)
        holds = is_number and (low is None or came >= low) and (high is None or came <= high)
        words = f"{low} to {high}" if low is not None and high is not None else f"{low} or more" if high is None else f"{high} or less"  # fmt: skip
        return Finding(expected.at, words, _shown(came), holds)
    tolerance = 0.0 if expected.within is UNSET else expected.within
    about = f" ±{tolerance:g}" if tolerance else ""
    if came is MISSING:
        return Finding(expected.at, _shown(expected.equal) + about, _shown(came), False)
    differ = [place for place in places(expected.equal, came) if not _is_near(*place[1:], tolerance)]
    if not differ:
        return Finding(expected.at, _shown(expected.equal) + about, _shown(came), True)
    if len(differ) == 1 or (differ[0][0] and len(differ) <= NAMED):  # name the places, not all that is around them
        pairs = [(written((*expected.path, *path)), one, other) for path, one, other in differ]
        first, *others = pairs
        more = "".join(f"; {at}: expected {_shown(one)}{about}, got {_shown(other)}" for at, one, other in others)
        return Finding(first[0], _shown(first[1]) + about, _shown(first[2]) + more, False)
    return Finding(expected.at, _shown(expected.equal) + about, f"{_shown(came)}, which differs in {len(differ)} places", False)  # fmt: skip


def _is_near(one: Any, other: Any, tolerance: float) -> bool:
    if not tolerance:
        return False
    numbers = all(isinstance(side, (int, float)) and not isinstance(side, bool) for side in (one, other))
    return numbers and (equal(one, other) or abs(one - other) <= tolerance)


def _shown(value: Any) -> str:
    return NOTHING if value is MISSING else display(value, SHOWN)


# -- what may be expected of it ------------------------------------------------------------------------------------------


def expectations(decided: Decided, *, hold: str, tolerance: float = 0.0) -> list[Expectation]:
    """Expect of the next text that it decides as this one: `equal`, `within` a tolerance, or the `same class`."""
    parts = parts_of(decided)
    found = [Expectation(at="outcome", equal=parts["outcome"])]
    if "error" in parts:
        found.append(Expectation(at="error.type", equal=parts["error"]["type"]))
        if hold == "equal":
            found.append(Expectation(at="error.message", equal=parts["error"]["message"]))
    elif hold != "class":
        within: Any = tolerance if hold == "within" and tolerance else UNSET
        found.append(Expectation(at="result", equal=parts["result"], within=within))
        found.append(Expectation(at="effects", equal=parts["effects"], within=within))
    return found


def as_json(outcome: CaseOutcome) -> dict[str, Any]:
    """For commands and pages."""
    return {
        "name": outcome.name,
        "passed": outcome.passed,
        "message": outcome.message,
        "expectations": [
            {"at": each.at, "expected": each.expected, "came": each.came, "holds": each.holds}
            for each in outcome.findings
        ],
        "wall_us": outcome.wall_us,
    }
