"""One run of a compiled program: fresh globals, run, result, teardown. Every language's scripts run here."""

from __future__ import annotations

import gc
import types
from collections.abc import Callable
from keyword import iskeyword
from mmap import mmap
from typing import Any

from scripting.sandbox.failure import describe_failure, unreadable_result, where_it_was
from scripting.sandbox.helpers import Helpers
from scripting.sandbox.kernel.resources import set_aside
from scripting.sandbox.library import decimals
from scripting.sandbox.library.clock import Timestamp, now, timestamp
from scripting.sandbox.library.dice import DRAWING, rand, seed_library
from scripting.sandbox.library.log import RunLog
from scripting.sandbox.library.present import present
from scripting.sandbox.library.violation import SecurityViolation, violations
from scripting.sandbox.meter import Meter
from scripting.sandbox.plain_data import ValueProblem, decode_trusted, encode_value
from scripting.sandbox.program import DECIMALS, Program, Unit
from scripting.sandbox.protocol import Done, Fault, Load, Run

MEMORY_RESERVE = 1 << 20
"""Bytes given back when memory runs out, so that the failure can still be told. They are asked for, and take no memory until then."""

_MOST_KNOWN = 1000
"""Names of context variables that are remembered."""


def get_context() -> Any:
    """A copy of all context variables."""
    return decode_trusted(present.inputs)


class Runner:
    """Runs one program again and again; nothing of one run is left for the next."""

    def __init__(
        self, program: Program, load: Load, meter: Meter, call: Callable[[str, tuple[Any, ...], dict[str, Any]], Any]
    ) -> None:
        self.program = program
        self.meter = meter
        self.log = RunLog(load.max_log_lines, load.max_log_bytes)
        self.helpers = Helpers(program, load.packages)
        functions: dict[str, Callable[..., Any]] = {}
        for function in load.functions:
            functions[function.name] = self._host_function(function.name, call)

        self._max_bytes, self._max_depth, self._max_nodes = (
            load.max_result_bytes, load.max_result_depth, load.max_result_nodes,
        )  # fmt: skip
        functions |= {
            "log": self.log.log,
            "rand": rand,
            "now": now,
            "timestamp": timestamp,
            "get_context": get_context,
        }
        self.builtins = program.engine.builtins(functions, self.helpers.import_, self.log.print)
        self.helpers.builtins = self.builtins
        self._reserved = program.engine.reserved
        self._offered = frozenset({*functions, "result"})
        self._admitted: set[str] = set()
        """Context variables that appear under their own names, as far as runs had them; the others are in `_left_out`."""
        self._left_out: set[str] = set()
        self._reserve: mmap | None = set_aside(MEMORY_RESERVE)
        assert program.script.code is not None
        self._code = program.script.code
        self._execute: Callable[[types.CodeType, dict[str, Any]], None] = exec
        self._draws = False
        """A run can draw from the library's generator, so that it must be seeded; rand() has one of its own."""
        self._suspends = False
        """A run can leave a generator whose end still runs code."""
        self._imports_helpers = bool(program.helpers)
        self._counts_in_decimals = False
        """A run can change the context of decimal numbers, so that it must be made anew."""
        for unit in program.units:
            if unit.draws or DRAWING & unit.used:
                self._draws = True
            self._suspends |= unit.suspends
            self._counts_in_decimals |= DECIMALS in unit.used

    def run(self, message: Run) -> Done:
        """Run the script once. Never raises for what the script does."""
        self.meter.restart()
        fault: Fault | None = None
        result: bytes | None = None
        namespace: dict[str, Any] = {"__builtins__": self.builtins, "__name__": "__main__"}
        try:
            self._prepare(message, namespace)
            self._execute(self._code, namespace)
            result = encode_value(namespace.get("result"), "result", self._max_bytes, self._max_depth, self._max_nodes)
        except ValueProblem as problem:
            fault = unreadable_result(problem, self.program.script)
        except MemoryError as error:
            self._reserve = None
            fault = describe_failure(error, self.program)
        except BaseException as error:  # noqa: BLE001 - whatever a script raises is its failure
            fault = describe_failure(error, self.program)
        if violations:
            result, fault = None, fault or describe_failure(SecurityViolation(violations[0]), self.program)
        namespace.clear()
        if self._imports_helpers:
            self.helpers.clear()
        if self._suspends or self._reserve is None:
            self._collect()
        log = self.log
        if not log.is_untouched:
            log.end_line()
        cpu_us, memory = self.meter.read()
        return Done(result, tuple(log.lines) if log.lines else (), log.truncated, fault, cpu_us, memory)

    def stopped(self, unit: Unit | None, frame: types.FrameType | None) -> Done:
        """State of a run that is about to be stopped: the frame that runs, and its script."""
        self._reserve = None
        self.log.end_line()
        gc.disable()  # or what the script left would be finalized now, by code of its own
        cpu_us, memory = self.meter.read()
        fault = where_it_was(unit, frame, self.program)
        return Done(None, tuple(self.log.lines), self.log.truncated, fault, cpu_us, memory)

    def _prepare(self, message: Run, namespace: dict[str, Any]) -> None:
        inputs = message.inputs
        present.begin(inputs, message.seed, message.clock_us)
        if self._draws:
            seed_library()
        if self._counts_in_decimals:
            decimals.restart_context()
        if violations:
            violations.clear()
        admitted = self._admitted
        for name, value in decode_trusted(inputs).items():
            if name in admitted or (name not in self._left_out and self._admit(name)):
                namespace[name] = value
            elif name == "timestamp" and type(value) is int and self.program.engine.has_two_timestamps:
                namespace[name] = Timestamp(value)

    def _admit(self, name: str) -> bool:
        """Whether a context variable appears under its own name; the others are in get_context() alone."""
        admitted = (
            name.isidentifier()
            and not iskeyword(name)
            and name not in self._reserved
            and name not in self._offered
            and name[:2] != "__"
        )
        known = self._admitted if admitted else self._left_out
        if len(known) < _MOST_KNOWN:
            known.add(name)
        return admitted

    def _collect(self) -> None:
        """End what the run left behind, while its time still counts."""
        gc.collect()
        if self._reserve is None:
            self._reserve = set_aside(MEMORY_RESERVE)

    def _host_function(
        self, name: str, call: Callable[[str, tuple[Any, ...], dict[str, Any]], Any]
    ) -> Callable[..., Any]:
        def host_function(*args: Any, **kwargs: Any) -> Any:
            return call(name, args, kwargs)

        host_function.__name__ = host_function.__qualname__ = name
        return host_function
