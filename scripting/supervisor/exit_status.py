"""Read the exit status of a sandbox: as a sentence, an error type, or a failure of our own."""

from __future__ import annotations

import signal

from scripting.sandbox.protocol import Fault, cut
from scripting.supervisor.fork_server import ExitStatus
from scripting.types import ErrorType, ScriptError, SecurityLimits

_LIMIT_SHARE = 0.7
_BASE_BYTES = 16 << 20
"""A sandbox's resident memory before its script does anything, about."""

_SENTENCES = {
    -signal.SIGKILL: "the script's process was killed by the system, most likely for the memory it took",
    -signal.SIGXCPU: "the script used up the processor time of its sandbox",
    -signal.SIGSYS: "the script's process made a system call that sandboxes may not make",
    70: "the script's process failed in itself",
    71: "the script's process ran out of memory",
}
_CRASH = "the script crashed its interpreter ({name}): most often a structure or a call nested far too deep"


def sentence(ended: ExitStatus) -> str:
    """The exit status, told."""
    if ended.status is None:
        return "the script's process is gone, and so is the one that started it"
    if ended.status in _SENTENCES:
        return _SENTENCES[ended.status]
    if ended.status < 0:
        return _CRASH.format(name=_signal_name(-ended.status))
    return f"the script's process ended by itself with status {ended.status}"


def kind(ended: ExitStatus, limits: SecurityLimits) -> tuple[ErrorType, str]:
    """The error type that such an end is recorded as, with a hint."""
    if ended.status == -signal.SIGXCPU:
        return ErrorType.TIMEOUT, "look for a loop that does not end"
    if ended.status == -signal.SIGSYS:
        return ErrorType.SECURITY_VIOLATION, ""
    if ended.status in {-signal.SIGKILL, 71} or (ended.status != 70 and _near_limit(ended, limits)):
        return ErrorType.MEMORY_LIMIT, "build less at a time, or raise the script's memory limit"
    return ErrorType.EXECUTION, "use a loop instead of deep recursion, and lists instead of nested tuples"


def is_outside(ended: ExitStatus, limits: SecurityLimits) -> bool:
    """Whether somebody else ended it: nothing that the script did can."""
    if ended.status is None or ended.status == -signal.SIGTERM:
        return True
    return ended.status == -signal.SIGKILL and not _near_limit(ended, limits)


def script_error(fault: Fault) -> ScriptError:
    """The failure that a sandbox tells, held within bounds."""
    return ScriptError(
        fault.type,
        cut(fault.message, 1000),
        cut(fault.script, 200),
        _bounded(fault.line),
        _bounded(fault.column),
        cut(fault.excerpt, 400),
        cut(fault.hint, 600),
    )


def _bounded(position: int | None) -> int | None:
    return position if position is not None and 0 < position < 10_000_000 else None


def _near_limit(ended: ExitStatus, limits: SecurityLimits) -> bool:
    return ended.peak > _BASE_BYTES + limits.max_memory_bytes * _LIMIT_SHARE


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
