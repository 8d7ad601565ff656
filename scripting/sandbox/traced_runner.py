"""A runner that tells what its run did line by line. The run itself is that of any other runner."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import msgspec

from scripting.sandbox.meter import Meter
from scripting.sandbox.program import Program, Unit
from scripting.sandbox.protocol import Done, Load, Run
from scripting.sandbox.runner import Runner
from scripting.sandbox.tracer.watching import watching

_OWN_CALLS = 2 if hasattr(sys, "monitoring") else 3
"""By which the script's own level is deeper than in a run that is not traced: run and _watched, and before there was sys.monitoring also
exec, which other runs call by an instruction that counts no level."""


class TracedRunner(Runner):
    """Runs once: a traced run has a process of its own."""

    def __init__(
        self, program: Program, load: Load, meter: Meter, call: Callable[[str, tuple[Any, ...], dict[str, Any]], Any]
    ) -> None:
        super().__init__(program, load, meter, call)
        plans = {unit.name: unit.plan for unit in program.units if unit.plan is not None}
        self._watching = watching(plans, [unit.code for unit in program.units if unit.code is not None])
        self._execute = self._watched

    def run(self, message: Run) -> Done:
        done = super().run(message)
        return msgspec.structs.replace(done, trace=self._watching.record.trace())

    def stopped(self, unit: Unit | None, frame: types.FrameType | None) -> Done:
        self._watching.stop("time")
        done = super().stopped(unit, frame)
        return msgspec.structs.replace(done, trace=self._watching.record.trace())

    def _watched(self, code: types.CodeType, namespace: dict[str, Any]) -> None:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + _OWN_CALLS)
        self._watching.start()
        try:
            exec(code, namespace)  # noqa: S102 - what this process is for
        finally:
            self._watching.stop()
            sys.setrecursionlimit(limit)
