"""Raised by a guard at run time: the script reached for something that is refused."""

from __future__ import annotations


class OwnError(RuntimeError):
    """Raised by the engine in a script's run. Its message says everything; its name means nothing to a designer."""


class SecurityViolation(Exception):
    """The script reached for something that scripts may not have. It is recorded even if the script catches it."""

    def __init__(self, message: str = "scripts may not do this") -> None:
        super().__init__(message)
        if not violations:
            violations.append(message)


violations: list[str] = []
"""The message of the first violation of this run; cleared before each run. Beside the class, which the interpreter is quick with as long as
nobody writes to it, and which a script may hold."""
