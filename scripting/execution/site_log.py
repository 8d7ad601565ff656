"""Write one log record per execution: level by severity, security violations to a logger of their own (7.1, 7.5).

Of what a disabled script skips a record a minute tells how many there were: a backlog would fill the log.

Every line names its script, for a site whose log is plain text. It carries script, version and execution, and the event and request where
there is one, as fields of its record; what a script wrote also `at_us`, when it did in µs from the beginning of its run.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from scripting.models.execution import superseding
from scripting.modules.masking import NOTHING, Mask
from scripting.sandbox.protocol import ErrorType
from scripting.texts.escaping import one_line

logger = logging.getLogger("scripting.execution")
lines_logger = logging.getLogger("scripting.lines")
"""The logger of lines that scripts wrote with log(), at level DEBUG."""
security = logging.getLogger("scripting.security")

LEVELS = {
    "succeeded": logging.DEBUG,
    "skipped": logging.DEBUG,
    "cancelled": logging.INFO,
    "fell_back": logging.WARNING,
    "failed": logging.ERROR,
    "abandoned": logging.ERROR,
}
SKIPS_SECONDS = 60.0
"""How often the log tells of what one disabled script skips."""


class Written(NamedTuple):
    """Log the lines that one attempt wrote with log(), each with its µs since the start of the run."""

    version: int | None
    lines: Sequence[str]
    times: Sequence[int]
    mask: Mask = NOTHING


def hears_of_successes() -> bool:
    """Whether anybody listens to what is logged of an execution that succeeded, or to the lines that scripts write."""
    return logger.isEnabledFor(LEVELS["succeeded"]) or lines_logger.isEnabledFor(logging.DEBUG)


def tell(row: Mapping[str, Any], script: str, version: int | None, written: Sequence[Written] = ()) -> None:
    """Log one execution, given as its row, after its commit. Costs next to nothing where nobody listens.

    `version` is the one that was to decide.
    """
    status, kind = row["status"], row.get("error_type", "")
    level = LEVELS[status]
    if status == "skipped" and not superseding(status, row.get("error_message", "")):
        _skips.count(script)
    violation = kind == ErrorType.SECURITY_VIOLATION
    if not (violation or logger.isEnabledFor(level) or (written and lines_logger.isEnabledFor(logging.DEBUG))):
        return
    told = {
        "script": script,
        "version": version,
        "execution": str(row["id"]),
        "event_id": row.get("event_id") or None,
        "request_id": row.get("request_id") or None,
        "trace_id": row.get("trace_id") or None,
    }
    told = {name: value for name, value in told.items() if value is not None}
    if lines_logger.isEnabledFor(logging.DEBUG):
        for by, lines, times, mask in written:
            for line, at_us in zip(lines, times, strict=True):
                lines_logger.debug("%s", one_line(mask.text(line)), extra=told | {"version": by, "at_us": at_us})
    why = one_line(row.get("error_message", ""))
    where = f" line {row['error_line']}" if row.get("error_line") else ""
    outcome = status.replace("_", " ")
    if violation:
        told |= {"by": row.get("user") or None, "trigger": row.get("trigger")}
        security.warning("%s refused by the sandbox%s: %s", script, where, why, extra=told)
    if why:
        logger.log(level, "execution of %s %s: %s%s: %s", script, outcome, kind or "reason", where, why, extra=told)
    else:
        logger.log(level, "execution of %s %s in %s µs", script, outcome, row.get("wall_us", 0), extra=told)


class _Skips:
    """Counts what disabled scripts skip. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._told_at: dict[str, float] = {}

    def count(self, script: str) -> None:
        """One more of this script; logged at once for the first, then with how many more there were, once in SKIPS_SECONDS."""
        now = time.monotonic()
        with self._lock:
            count = self._counts[script] = self._counts.get(script, 0) + 1
            if now - self._told_at.get(script, float("-inf")) < SKIPS_SECONDS:
                return
            self._told_at[script] = now
            del self._counts[script]
        logger.info("%s is disabled: executions skipped: %s", script, count, extra={"script": script})


_skips = _Skips()
