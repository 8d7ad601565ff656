"""Watch a run line by line: by sys.monitoring where there is one, which costs the library's code nothing; by sys.settrace before.

The code is that of any other run. A tracer that fails, has seen enough or comes near the limit of recursion takes its hands off
and the run goes on without: nothing of it can be an exception in the script.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from scripting.sandbox.tracer.following import Follower
from scripting.sandbox.tracer.plan import Plan
from scripting.sandbox.tracer.record import Record

MOST_EVENTS = 200_000
"""Lines followed in one run, and calls looked at: less than half a second."""
_MARGIN = 40
"""Calls that must be left before Python's limit; a few are the tracer's own."""
_INNER = frozenset({"<lambda>", "<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>"})
_IS_FUNCTION = 0x1 | 0x2
"""CO_OPTIMIZED and CO_NEWLOCALS: a function, not a class or a text's own level."""


class Watching:
    """Of one run. `start` and `stop` may be called in any order, any number of times."""

    def __init__(self, plans: dict[str, Plan]) -> None:
        self.record = Record(plans)
        self._plans = plans
        self._left = MOST_EVENTS
        self.on = False

    def start(self) -> None:
        self.on = True

    def stop(self, why: str = "") -> None:
        self.on = False
        self.record.stopped = self.record.stopped or why

    def _enter(self, frame: types.FrameType) -> Follower | None:
        """Begin to follow a call; None where that is not wanted."""
        code = frame.f_code
        plan = self._plans.get(code.co_filename)
        if plan is None or code.co_name in _INNER or (plan.is_lowered and code.co_name == "<module>"):
            return None
        try:
            _descend(_MARGIN)
        except RecursionError:
            self.stop("depth")
            return None
        is_function = code.co_flags & _IS_FUNCTION == _IS_FUNCTION and not code.co_name.startswith("$")
        follower = Follower(self.record, code.co_filename, plan, is_function=is_function)
        follower.call(frame)
        return follower

    def _count(self) -> None:
        self._left -= 1
        if self._left <= 0:
            self.stop("steps")

    def _failed(self, error: BaseException) -> None:
        self.stop(
            "memory" if isinstance(error, MemoryError) else "depth" if isinstance(error, RecursionError) else "fault"
        )


def _descend(calls: int) -> None:
    if calls:
        _descend(calls - 1)


class ByTraceFunction(Watching):
    """Python 3.11's way."""

    def start(self) -> None:
        super().start()
        sys.settrace(self._called)

    def stop(self, why: str = "") -> None:
        sys.settrace(None)
        super().stop(why)

    def _called(self, frame: types.FrameType, event: str, argument: Any) -> Any:
        try:
            self._count()  # the library's calls too, which are told here whether they are followed or not
            if frame.f_trace is not None:
                return frame.f_trace  # a generator goes on
            if not self.on:
                return None
            follower = self._enter(frame)
            return None if follower is None else self._local(follower)
        except BaseException as error:  # noqa: BLE001 - whatever fails here is the tracer's own
            self._failed(error)
            return None

    def _local(self, follower: Follower) -> Callable[[types.FrameType, str, Any], Any]:
        def event_of(frame: types.FrameType, event: str, argument: Any) -> Any:
            if not self.on:
                return None
            try:
                if event == "line":
                    self._count()
                    follower.line(frame, frame.f_lineno)
                elif event == "return":
                    follower.leave(frame, argument)
                elif event == "exception":
                    follower.raised = True
            except BaseException as error:  # noqa: BLE001 - whatever fails here is the tracer's own
                self._failed(error)
                return None
            return event_of

        return event_of


class ByMonitoring(Watching):
    """Python 3.12's way and later."""

    _TOOL = 4

    def __init__(self, plans: dict[str, Plan], codes: list[types.CodeType]) -> None:
        super().__init__(plans)
        self._codes = [inner for code in codes for inner in _codes_in(code)]
        self._followers: dict[int, Follower] = {}

    def start(self) -> None:
        super().start()
        monitoring: Any = getattr(sys, "monitoring")  # noqa: B009 - not in every Python
        events = monitoring.events
        monitoring.use_tool_id(self._TOOL, "goby values")
        for event, callback in (
            (events.PY_START, self._started),
            (events.LINE, self._line),
            (events.PY_RETURN, self._returned),
            (events.RAISE, self._raised),
        ):
            monitoring.register_callback(self._TOOL, event, callback)
        monitoring.set_events(self._TOOL, events.RAISE)  # of one code object it cannot be had
        for code in self._codes:
            monitoring.set_local_events(self._TOOL, code, events.PY_START | events.LINE | events.PY_RETURN)

    def stop(self, why: str = "") -> None:
        monitoring: Any = getattr(sys, "monitoring")  # noqa: B009 - not in every Python
        if self.on:
            monitoring.set_events(self._TOOL, 0)
            for code in self._codes:
                monitoring.set_local_events(self._TOOL, code, 0)
        super().stop(why)

    def _started(self, code: types.CodeType, offset: int) -> None:
        try:
            frame = sys._getframe(1)
            follower = self._enter(frame)
            if follower is not None:
                self._followers[id(frame)] = follower
        except BaseException as error:  # noqa: BLE001 - whatever fails here is the tracer's own
            self._failed(error)

    def _line(self, code: types.CodeType, line: int) -> None:
        if not self.on:
            return
        try:
            self._count()
            frame = sys._getframe(1)
            follower = self._followers.get(id(frame))
            if follower is not None:
                follower.line(frame, line)
        except BaseException as error:  # noqa: BLE001 - whatever fails here is the tracer's own
            self._failed(error)

    def _returned(self, code: types.CodeType, offset: int, value: Any) -> None:
        if not self.on:
            return
        try:
            frame = sys._getframe(1)
            follower = self._followers.pop(id(frame), None)
            if follower is not None:
                follower.leave(frame, value)
        except BaseException as error:  # noqa: BLE001 - whatever fails here is the tracer's own
            self._failed(error)

    def _raised(self, code: types.CodeType, offset: int, error: BaseException) -> None:
        try:
            follower = self._followers.get(id(sys._getframe(1)))
            if follower is not None:
                follower.raised = True
        except BaseException as failed:  # noqa: BLE001 - whatever fails here is the tracer's own
            self._failed(failed)


def watching(plans: dict[str, Plan], codes: list[types.CodeType]) -> Watching:
    """The way of this Python."""
    return ByMonitoring(plans, codes) if hasattr(sys, "monitoring") else ByTraceFunction(plans)


def _codes_in(code: types.CodeType) -> Iterator[types.CodeType]:
    waiting = [code]
    while waiting:
        one = waiting.pop()
        if one.co_name not in _INNER:
            yield one
        waiting += [constant for constant in one.co_consts if isinstance(constant, types.CodeType)]
