"""How bad a failure is and what to do about it, in plain words, by its type."""

from __future__ import annotations

from typing import NamedTuple

from scripting.models.execution import REFUSED
from scripting.sandbox.protocol import ErrorType


class Advice(NamedTuple):
    """Severity (`low`, `medium`, `high`), what it means, and what to do."""

    severity: str
    meaning: str
    remedy: str


BY_TYPE = {
    ErrorType.INVALID_SYNTAX: Advice(
        "high",
        "The text is not the language's grammar, so nothing of it ran.",
        "Open the version, mend the line, publish again.",
    ),
    ErrorType.COMPILATION: Advice(
        "high",
        "The text is too large or too deeply nested for the compiler.",
        "Split it, or move parts to a helper of the module shared.",
    ),
    ErrorType.SECURITY_VIOLATION: Advice(
        "high",
        "The script reached for something that scripts may not use. It was stopped there, and nothing it decided took effect.",
        "Use the module's functions or an allowed package instead. If nobody meant this, ask who published it.",
    ),
    ErrorType.EXECUTION: Advice(
        "medium",
        "The script raised an error.",
        "Look at the inputs, try it in the workbench with them, fix the script and publish again.",
    ),
    ErrorType.TIMEOUT: Advice(
        "high",
        "The script took longer than its limit and was stopped. Each such run keeps a worker from other events.",
        "Look for a loop that does not end; raise the limit only if the work is right.",
    ),
    ErrorType.MEMORY_LIMIT: Advice(
        "high",
        "The script needed more memory than its limit and was stopped.",
        "Look for a list or text that grows; raise the limit only if the work is right.",
    ),
    ErrorType.NOT_FOUND: Advice(
        "high", "No version of the script could run.", "Activate a version, or put its file back."
    ),
}
REFUSED_BY_GAME = Advice(
    "medium",
    "The script decided something that the game does not admit, so nothing of it took effect.",
    "Look at the inputs and at the reason that the game gives, fix the script and publish again.",
)
ABANDONED = Advice(
    "high",
    "The event was delivered several times and a worker died or failed with it each time; it was given up.",
    "Look at the workers' log at that time. Publish the event again once the cause is mended.",
)
UNKNOWN = Advice("low", "The script did not decide.", "Look at the message, the inputs and the log.")


def advice(error_type: str, message: str = "") -> Advice:
    """Advice for a failure of that type; the type of an event given up is `abandoned`."""
    if error_type == "abandoned":
        return ABANDONED
    if error_type == ErrorType.EXECUTION and message.startswith(REFUSED):
        return REFUSED_BY_GAME
    return BY_TYPE.get(error_type, UNKNOWN)  # type: ignore[call-overload,no-any-return] # a text equal to its member
