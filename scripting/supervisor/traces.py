"""Traces that sandboxes tell: hostile until every number and text in them is within its bounds."""

from __future__ import annotations

from itertools import pairwise

from scripting.sandbox.protocol import (
    TRACE_BYTES,
    TRACE_KINDS,
    TRACE_STEPS,
    TRACE_STOPS,
    TRACE_VALUE,
    RemoteProtocolError,
    Step,
    Trace,
    TracedText,
)
from scripting.types import Bundle

_MOST_LINES = 20_000
"""Lines told of in one trace, all texts together."""
_MOST_COUNT = 1 << 40
_MOST_NAME = 64
_MOST_VALUES = 8
_STEP_BYTES = 24
MOST_TRACE_BYTES = 2 * TRACE_BYTES + 16 * _MOST_LINES
"""A frame's bytes for a trace: its texts, and the numbers beside them."""


def checked_trace(trace: Trace, bundle: Bundle) -> Trace:
    """The same trace. Raises RemoteProtocolError for one that no run of this bundle can have."""
    sources = {source.name: source.text for source in (bundle.script, *bundle.helpers)}
    names = [text.name for text in trace.texts]
    if len(set(names)) != len(names) or not set(names) <= sources.keys():
        raise RemoteProtocolError("a trace of texts that are not of the bundle")
    ends = [sources[name].count("\n") + 1 for name in names]
    if sum(len(text.counts) + len(text.idle) + len(text.blocks) for text in trace.texts) > _MOST_LINES:
        raise RemoteProtocolError("a trace of too many lines")
    for text, end in zip(trace.texts, ends, strict=True):
        _check_text(text, end)
    if len(trace.first) + len(trace.latest) > TRACE_STEPS or not 0 <= trace.dropped < _MOST_COUNT:
        raise RemoteProtocolError("a trace of too many steps")
    if len(trace.last) > _MOST_LINES or trace.stopped not in TRACE_STOPS:
        raise RemoteProtocolError("a trace over its bounds")
    size = 0
    for step in (*trace.first, *trace.latest, *trace.last):
        _check_step(step, ends)
        size += _STEP_BYTES + sum(len(part.encode("utf-8", "replace")) for pair in step.values for part in pair)
    if size > TRACE_BYTES:
        raise RemoteProtocolError("a trace over its bounds")
    return trace


def _check_text(text: TracedText, end: int) -> None:
    for lines in ([line for line, _ in text.counts], text.idle):
        if any(not 0 < line <= end for line in lines) or any(later <= line for line, later in pairwise(lines)):
            raise RemoteProtocolError("a trace of lines that are not in the text")
    if any(not 0 <= count < _MOST_COUNT for _, count in text.counts):
        raise RemoteProtocolError("a trace that counts wrong")
    if any(not 0 < first < last <= end for first, last in text.blocks):
        raise RemoteProtocolError("a trace of blocks that are not in the text")


def _check_step(step: Step, ends: list[int]) -> None:
    if not (0 <= step.text < len(ends) and 0 < step.line <= ends[step.text] and 0 <= step.turn < _MOST_COUNT):
        raise RemoteProtocolError("a step of a line that is not in the text")
    if step.kind not in TRACE_KINDS or len(step.values) > _MOST_VALUES:
        raise RemoteProtocolError("a step of no kind there is")
    if any(len(name) > _MOST_NAME or len(value) > TRACE_VALUE for name, value in step.values):
        raise RemoteProtocolError("a step with a value over its bounds")
