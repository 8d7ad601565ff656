"""From what a script raised to the fault that is told: type, message, and the innermost line of script code."""

from __future__ import annotations

import types
from typing import Any

from scripting.sandbox.advice import advice
from scripting.sandbox.library.packages import PACKAGES
from scripting.sandbox.library.text import scrub
from scripting.sandbox.library.violation import OwnError, SecurityViolation
from scripting.sandbox.plain_data import ValueProblem
from scripting.sandbox.program import Program, Unit
from scripting.sandbox.protocol import ErrorType, Fault, cut

MAX_MESSAGE = 500
_STOPPED = "the run was stopped"
_MAX_FRAMES = 5000


def describe_failure(error: BaseException, program: Program) -> Fault:
    """The fault that this exception stands for. Never raises: a script's own __str__ may."""
    unit, line, column, frame = _innermost(error.__traceback__, program)
    excerpt = unit.excerpt(line) if unit else ""
    script = unit.name if unit else program.script.name
    kind, message, hint = _classify(error, program, frame, excerpt)
    return Fault(kind, message, script, line, column, excerpt, hint)


def where_it_was(unit: Unit | None, frame: types.FrameType | None, program: Program) -> Fault:
    """The fault of a run that was stopped: the frame that ran and the text it is of, where it was the script's at all."""
    if unit is None or frame is None:
        return Fault(ErrorType.TIMEOUT, _STOPPED, program.script.name)
    line, offset = _position(frame.f_code, frame.f_lasti, frame.f_lineno)
    return Fault(ErrorType.TIMEOUT, _STOPPED, unit.name, line, unit.column(line, offset), unit.excerpt(line))


def unreadable_result(problem: ValueProblem, unit: Unit) -> Fault:
    """The fault of a result that is not plain data."""
    hint = "a result is made of None, True, False, numbers, text, lists and dicts with text as keys"
    return Fault(ErrorType.EXECUTION, _bounded(f"{problem.path} {problem.problem}"), unit.name, hint=hint)


def _classify(
    error: BaseException, program: Program, frame: types.FrameType | None, excerpt: str
) -> tuple[ErrorType, str, str]:
    if isinstance(error, MemoryError):
        hint = "build less at a time, or raise the script's memory limit"
        return ErrorType.MEMORY_LIMIT, "the script needs more memory than it may use", hint
    if isinstance(error, SecurityViolation):
        return ErrorType.SECURITY_VIOLATION, _text(error), ""
    explained = program.engine.explain(error)
    if explained is not None:
        return ErrorType.EXECUTION, _bounded(explained[0]), _bounded(explained[1])
    message = _text(error)
    name = type(error).__name__[:80]
    if isinstance(error, OwnError) and message:
        return ErrorType.EXECUTION, message, ""
    return ErrorType.EXECUTION, _bounded(f"{name}: {message}" if message else name), _hint(error, frame, excerpt)


def _hint(error: BaseException, frame: types.FrameType | None, excerpt: str) -> str:
    try:
        return _bounded(advice(error, frame, excerpt, PACKAGES))
    except BaseException:  # noqa: BLE001 - a script's own __str__ and values may raise anything
        return ""


def _text(error: BaseException) -> str:
    try:
        return _bounded(str(scrub(str(error))))
    except BaseException:  # noqa: BLE001 - a script's own __str__ may raise anything
        return "its text cannot be shown"


def _bounded(text: str) -> str:
    return cut(text, MAX_MESSAGE).encode("utf-8", "replace").decode()


def _innermost(
    traceback: types.TracebackType | None, program: Program
) -> tuple[Unit | None, int | None, int | None, types.FrameType | None]:
    """The script's innermost frame: its text, line and column, and the frame itself."""
    units = {unit.name: unit for unit in program.units}
    found: tuple[Unit, types.TracebackType] | None = None
    frames = 0
    while traceback is not None and frames < _MAX_FRAMES:
        unit = units.get(traceback.tb_frame.f_code.co_filename)
        if unit is not None:
            found = unit, traceback
        traceback = traceback.tb_next
        frames += 1
    if found is None:
        return None, None, None, None
    unit, place = found
    line, offset = _position(place.tb_frame.f_code, place.tb_lasti, place.tb_lineno)
    return unit, line, unit.column(line, offset), place.tb_frame


def _position(code: types.CodeType, instruction: int, known: int | None) -> tuple[int | None, int | None]:
    """Line and byte offset of an instruction; the line that is known where it has none of its own."""
    positions: Any = code.co_positions()
    for index, (line, _, column, _) in enumerate(positions):
        if index == instruction // 2:
            return line or known, column
    return known, None
