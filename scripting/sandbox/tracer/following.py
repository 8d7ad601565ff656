"""Follow one call of a function, or a text's own level, from line to line: what each line gave is read when the next begins."""

from __future__ import annotations

import sys
import types
from typing import Any

from scripting.sandbox.tracer.plan import Head, Kind, Plan, Target
from scripting.sandbox.tracer.record import Record
from scripting.sandbox.tracer.rendering import attributes_of, can_change, is_data, raised, shown

_MISSING: Any = object()


class Follower:
    """Of one frame. Holds nothing of it: values are read from the frame that each event brings, and kept as text."""

    __slots__ = ("_head", "_is_function", "_line", "_name", "_plan", "_record", "raised")

    def __init__(self, record: Record, name: str, plan: Plan, *, is_function: bool) -> None:
        self._record = record
        self._name = name
        self._plan = plan
        self._is_function = is_function
        self._head: Head | None = None
        self._line = 0
        self.raised = False
        """The line that runs has raised: it gave nothing."""

    def call(self, frame: types.FrameType) -> None:
        """The frame begins: the arguments of a function are shown at its first line."""
        if not self._is_function:
            return
        function = self._plan.functions.get(frame.f_code.co_firstlineno)
        if function is not None:
            self._record.counts[self._name][function.line] += 1
            self._record.add(self._name, function.line, "call", _values(function.parameters, frame.f_locals))

    def line(self, frame: types.FrameType, line: int) -> None:
        """A line begins, so the one before it has ended."""
        head = self._plan.heads.get(line)
        before = self._head
        if before is not None:
            if head is before and (self._plan.is_lowered or not (line == head.line == self._line)):
                self._line = line
                return  # more of one statement: its further lines, or what its language made of it
            if not self.raised:
                self._end(frame, before, line)
        self.raised = False
        self._head = head
        self._line = line
        if head is not None and head.kind not in _COUNTED_LATER:
            counts = self._record.counts[self._name]
            counts[head.line] += 0 if line in self._plan.functions else 1

    def leave(self, frame: types.FrameType, value: Any) -> None:
        """The frame returns this value, or hands it out and waits."""
        head = self._head
        if head is None or self.raised:
            return
        if head.kind is Kind.RETURN:
            values = (("", shown(value)),) if self._is_function and is_data(value) else ()
            self._record.add(self._name, head.line, "return", values)
        elif not frame.f_code.co_flags & _SUSPENDS:
            self._end(frame, head, 0)

    def _end(self, frame: types.FrameType, head: Head, line: int) -> None:
        """Record what a statement did; `line` is where the run went on."""
        kind = head.kind
        record, name = self._record, self._name
        if kind is Kind.PLAIN:
            if head.targets:
                values = _values(head.targets, frame.f_locals)
                if values:
                    record.add(name, head.line, "", values)
            return
        if kind is Kind.RETURN or not line:
            return
        entered = head.body[0] <= line <= head.body[1]
        if kind is Kind.TEST:
            record.add(name, head.line, "true" if entered else "false", _values(head.targets, frame.f_locals))
        elif entered:
            record.counts[name][head.line] += 1
            if kind is Kind.CAUGHT:
                error = sys.exc_info()[1]
                record.add(name, head.line, "caught", (("", raised(error) if error is not None else ""),))
            else:
                word = "turn" if kind is Kind.TURN else ""
                record.add(name, head.line, word, _values(head.targets, frame.f_locals))


_COUNTED_LATER = frozenset({Kind.TURN, Kind.WITH, Kind.CAUGHT})
_SUSPENDS = 0x20 | 0x80 | 0x200
"""Flags of code that hands out values: CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR."""


def _values(targets: tuple[Target, ...], names: Any) -> tuple[tuple[str, str], ...]:
    found = []
    for target in targets:
        value = names.get(target.name, _MISSING)
        if target.path and value is not _MISSING:
            value = _part(value, target.path, names)
        if value is _MISSING or not is_data(value) or (target.changed and not can_change(value)):
            continue
        found.append((target.label, shown(value)))
    named = [pair for pair in found if pair[0]]
    return tuple(named or found[-1:])


def _part(value: Any, path: tuple[tuple[str, str | int], ...], names: Any) -> Any:
    """The part of a value that the steps lead to; only plain containers, and objects' own attributes, are looked into."""
    for step, key in path:
        wanted: Any = names.get(key, _MISSING) if step == "at" else key
        kind = type(value)
        if step == "attribute":
            value = (attributes_of(value) or {}).get(wanted, _MISSING)
        elif issubclass(kind, dict) and type(wanted) in {str, int, float, bool}:
            value = dict.get(value, wanted, _MISSING)
        elif issubclass(kind, list) and type(wanted) is int and -list.__len__(value) <= wanted < list.__len__(value):
            value = list.__getitem__(value, wanted)
        else:
            return _MISSING
        if value is _MISSING:
            return value
    return value
