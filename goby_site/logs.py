"""The site's logging: one line per event on stderr, plain or JSON, with control characters shown as escapes."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog


def printable(text: str) -> str:
    """`text` with every control, line-break and bidirectional character written as an escape (rule 11 of the flow)."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def escape_values(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: no text of an event can start a new line or turn a terminal around. Tracebacks are ours."""
    for key, value in event.items():
        if isinstance(value, str) and key not in {"exception", "stack"}:
            event[key] = printable(value)
    return event


_fields = structlog.stdlib.ExtraAdder()


def add_fields(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: a record's `extra` as fields. None of them takes the place of what the line says."""
    said = event["event"]
    event = _fields(logger, name, event)
    event["event"] = said
    return event


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to stderr; to the one of the moment if that of its beginning is closed, and to none where all are.

    A thread may still have something to say while its process ends.
    """

    def emit(self, record: logging.LogRecord) -> None:
        if self.stream.closed:
            if sys.stderr is None or sys.stderr.closed:
                return
            self.stream = sys.stderr
        super().emit(record)


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    add_fields,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
    escape_values,
]


def logging_config(form: str, level: int) -> dict[str, Any]:
    """Django's LOGGING for `form` plain or json; structlog's loggers and the standard library's come out alike."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            }
        },
        "handlers": {"stderr": {"()": StderrHandler, "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "goby_site": {"level": level},
            "scripting": {"level": level},
            "scripting.security": {"level": "INFO"},
            "wargame": {"level": level},
            "rq.worker": {"level": "WARNING"},
            "django": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
            "django.server": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        },
    }
