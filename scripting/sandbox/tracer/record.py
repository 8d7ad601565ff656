"""Keep what a traced run did, within bounds: both ends of its steps, and the last one of every line."""

from __future__ import annotations

from collections import Counter, deque

from scripting.sandbox.protocol import TRACE_BYTES, TRACE_STEPS, Step, Trace, TracedText
from scripting.sandbox.tracer.plan import Plan

_END = TRACE_STEPS // 2
_END_BYTES = TRACE_BYTES // 4
_STEP_BYTES = 24
"""Of a step, beside its texts."""


class Record:
    """Steps of one run, in the order in which they ended."""

    def __init__(self, plans: dict[str, Plan]) -> None:
        self._plans = plans
        self._number = {name: number for number, name in enumerate(plans)}
        self.counts: dict[str, Counter[int]] = {name: Counter() for name in plans}
        """By text: how often each line began."""
        self.stopped = ""
        self._first: list[Step] = []
        self._first_bytes = 0
        self._is_full = False
        self._latest: deque[Step] = deque(maxlen=_END)
        self._steps = 0
        self._last: dict[tuple[int, int], tuple[Step, int]] = {}
        self._last_bytes = 0

    def add(self, text: str, line: int, kind: str, values: tuple[tuple[str, str], ...]) -> None:
        """One step of a line that has just begun for the time that `counts` says."""
        number = self._number[text]
        step = Step(number, line, self.counts[text][line], kind, values)
        size = _size(step)
        self._steps += 1
        if not self._is_full and self._first_bytes + size <= _END_BYTES and len(self._first) < _END:
            self._first.append(step)
            self._first_bytes += size
        else:
            self._is_full = True
            self._latest.append(step)
        before = self._last.get((number, line))
        change = size - (before[1] if before else 0)
        if self._last_bytes + change <= TRACE_BYTES // 2:
            self._last[number, line] = step, size
            self._last_bytes += change
        elif before:
            del self._last[number, line]
            self._last_bytes -= before[1]

    def trace(self) -> Trace:
        """All of it, as it is told."""
        latest: list[Step] = []
        room = _END_BYTES
        for step in reversed(self._latest):
            room -= _size(step)
            if room < 0:
                break
            latest.append(step)
        latest.reverse()
        dropped = self._steps - len(self._first) - len(latest)
        texts = tuple(
            TracedText(
                name,
                tuple(sorted(self.counts[name].items())),
                plan.idle(self.counts[name]),
                tuple(sorted(set(plan.blocks))),
            )
            for name, plan in self._plans.items()
        )
        last = tuple(step for step, _ in self._last.values())
        return Trace(texts, tuple(self._first), dropped, tuple(latest), last, self.stopped)


def _size(step: Step) -> int:
    return _STEP_BYTES + sum(_bytes(label) + _bytes(value) for label, value in step.values)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
