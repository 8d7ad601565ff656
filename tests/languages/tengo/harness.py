"""Runs texts of a language as a sandbox does, compiler, policy and runner included, but in this process: for many small cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from scripting.sandbox.compiler import Compiler
from scripting.sandbox.languages.factory import EngineFactory
from scripting.sandbox.meter import Meter
from scripting.sandbox.protocol import Fault, Finding, Function, Inputs, Load, Run, Text
from scripting.sandbox.runner import Runner

_ENGINES = EngineFactory()
CLOCK_US = 1_700_000_000_000_000


@dataclass
class Ran:
    """The outcome of a text."""

    result: Any = None
    fault: Fault | None = None
    logs: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def warnings(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == "warning"]


def tengo(text: str, inputs: Mapping[str, Any] | None = None, **more: Any) -> Ran:
    """Compile and run a text in Tengo."""
    return run("tengo", text, inputs, **more)


def run(
    language: str,
    text: str,
    inputs: Mapping[str, Any] | None = None,
    *,
    helpers: Mapping[str, str] | None = None,
    functions: Mapping[str, Any] | None = None,
    seed: int = 1,
    inputs_of_check: tuple[Inputs, ...] = (),
    warns: bool = True,
) -> Ran:
    """Compile and run; what `functions` are given are called in this process."""
    return prepared(
        language, text, helpers=helpers, functions=functions, seed=seed, inputs_of_check=inputs_of_check, warns=warns
    )(inputs)


def prepared(
    language: str,
    text: str,
    *,
    helpers: Mapping[str, str] | None = None,
    functions: Mapping[str, Any] | None = None,
    seed: int = 1,
    inputs_of_check: tuple[Inputs, ...] = (),
    warns: bool = True,
) -> Callable[[Mapping[str, Any] | None], Ran]:
    """Compile; what is returned runs it with the inputs that it is given, as often as it is called."""
    sources = tuple(Text(f"shared/{name}", language, source.encode()) for name, source in (helpers or {}).items())
    exposed = tuple(Function(name, "pure") for name in functions or {})
    load = Load(
        Text("test/script", language, text.encode("utf-8", "surrogatepass")), sources, exposed, (),
        32 << 20, 5, 256 << 10, 20_000, 60, 1 << 20, 40, 100_000, 1000, 1 << 20, 1000,
        inputs=inputs_of_check, warns=warns,
    )  # fmt: skip
    compiler = Compiler(load, _ENGINES)
    program = compiler.compile()
    if program is None:
        refused = Ran(fault=compiler.fault(), findings=tuple(compiler.findings))
        return lambda _: refused

    def call(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return (functions or {})[name](*args, **kwargs)

    runner = Runner(program, load, Meter(None), call)

    def ran(inputs: Mapping[str, Any] | None) -> Ran:
        done = runner.run(Run(msgspec.msgpack.encode(dict(inputs or {})), seed, CLOCK_US))
        result = msgspec.msgpack.decode(done.result) if done.result is not None else None
        return Ran(result, done.fault, tuple(line for _, line in done.logs), tuple(compiler.findings))

    return ran
