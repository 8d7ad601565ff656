"""Spans of OpenTelemetry around events and runs, where SCRIPTING_TRACING is on; where it is off, one look at that and nothing else.

The rest of the code knows no object of OpenTelemetry: what travels with an event is a `traceparent`, the text of the W3C's header.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from django.core.signals import setting_changed
from django.dispatch import receiver

from scripting.conf import conf

Attributes = Mapping[str, Any]
"""Values of a span by name; those that are None or empty are left out."""

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
MESSAGING = {"messaging.system": "goby"}


class Span:
    """A span that has begun, for who adds to it; this one is none, as all are while tracing is off."""

    traceparent = ""
    """Continues the trace from here."""

    def add(self, attributes: Attributes) -> None:
        """Add values that are known by now."""

    def fail(self, why: str) -> None:
        """Mark it as failed."""


_NONE = contextlib.nullcontext(Span())


class _Recorded(Span):
    """A span that OpenTelemetry records, or would if it were sampled."""

    def __init__(self, span: Any) -> None:
        self._span = span
        context = span.get_span_context()
        self.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def add(self, attributes: Attributes) -> None:
        self._span.set_attributes(_kept(attributes))

    def fail(self, why: str) -> None:
        from opentelemetry.trace import StatusCode

        self._span.set_status(StatusCode.ERROR, why[:300])


@functools.cache
def on() -> bool:
    """Whether spans are made. Asked several times for each event, so it is found out once: 0.8 µs are 40 ns then."""
    return conf.SCRIPTING_TRACING and _tracer() is not None


@receiver(setting_changed)
def _find_out_anew(*, setting: str, **_signal: Any) -> None:
    if setting == "SCRIPTING_TRACING":
        on.cache_clear()


def trace_id(traceparent: str) -> str:
    """The id of the trace, 32 hexadecimal digits; empty for none."""
    return traceparent[3:35]


def fitting(given: str) -> str:
    """The header `traceparent` of a caller, empty if it is none."""
    return given if _TRACEPARENT.fullmatch(given) else ""


def span(
    name: str, kind: str = "internal", *, parent: str = "", attributes: Attributes | None = None
) -> AbstractContextManager[Span]:
    """A span until the block ends, below `parent` (a traceparent; empty: below the span around it, else a new trace).

    Of an exception that leaves the block the type is told. Its text may hold what topics call sensitive.
    """
    return _started(name, kind, parent, attributes or {}) if on() else _NONE


def inner(name: str, attributes: Attributes | None = None) -> AbstractContextManager[Span]:
    """A span below the one around it; none where there is none."""
    return _started(name, "internal", "", attributes or {}) if on() and _is_inside() else _NONE


def below(traceparent: str) -> AbstractContextManager[object]:
    """Within it, spans are below that one, which may be of another process; nothing changes for an empty text."""
    return _attached(traceparent) if traceparent and on() else _NONE


def created(topic: str, *, parent: str = "", event: str = "") -> str:
    """The traceparent that an event carries: of a span which says that it was made. While tracing is off, that of its parent."""
    if not on():
        return fitting(parent)
    values = messaging("create", topic) | {"messaging.message.id": event}
    with _started(f"create {topic}", "producer", fitting(parent), values) as made:
        return made.traceparent


def messaging(operation: str, topic: str) -> dict[str, Any]:
    """The values that OpenTelemetry's conventions for messages ask of a span."""
    kind = {"publish": "send"}.get(operation, operation)
    return MESSAGING | {
        "messaging.operation.name": operation,
        "messaging.operation.type": kind,
        "messaging.destination.name": topic,
    }


def told(name: str, parent: str, began_ns: int, attributes: Attributes) -> None:
    """Record a span that is over by now, below `parent`."""
    with _attached(parent):
        span = _tracer().start_span(name, start_time=began_ns, attributes=_kept(attributes))
        span.end()


# -- while tracing is on -------------------------------------------------------------------------------------------------


def _tracer() -> Any:
    from scripting.telemetry import exporting

    return exporting.tracer()


@contextlib.contextmanager
def _started(name: str, kind: str, parent: str, attributes: Attributes) -> Iterator[Span]:
    from opentelemetry.trace import SpanKind

    context = _context_of(parent) if parent else None
    with _tracer().start_as_current_span(
        name,
        context,
        kind=SpanKind[kind.upper()],
        attributes=_kept(attributes),
        record_exception=False,
        set_status_on_exception=False,
    ) as made:
        span = _Recorded(made)
        try:
            yield span
        except Exception as error:
            span.add({"error.type": type(error).__name__})
            span.fail(type(error).__name__)
            raise


@contextlib.contextmanager
def _attached(traceparent: str) -> Iterator[None]:
    from opentelemetry import context

    token = context.attach(_context_of(traceparent))
    try:
        yield
    finally:
        context.detach(token)


def _context_of(traceparent: str) -> Any:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": traceparent})


def _is_inside() -> bool:
    from opentelemetry import trace

    return trace.get_current_span().get_span_context().is_valid


def _kept(attributes: Attributes) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None and value != ""}
