"""Compiled texts on their way from one sandbox to another of the same bundle, so that the second need not compile.

They are told once, right after the compiler and before anything of the script has run, so they are what the policy let pass. A text
that takes over its sandbox while it is compiled can tell anything: it then runs as its own bundle, in a sandbox as closed, where it
would have taken over the compiler too.
"""

from __future__ import annotations

from marshal import loads
from types import CodeType

from scripting.sandbox.languages.factory import EngineFactory
from scripting.sandbox.policy.imports import HELPER_MODULE
from scripting.sandbox.program import STATEFUL, Program, Unit
from scripting.sandbox.protocol import Compiled, Load, Text
from scripting.sandbox.source_text import BYTE_ORDER_MARK

MAX_BYTES = 512 << 10
"""Of a bundle. What takes more is compiled each time."""


def told(program: Program) -> tuple[Compiled, ...]:
    """The compiled texts, script first; nothing where they are too large."""
    compiled = tuple(
        Compiled(unit.packed, tuple(sorted(unit.used & STATEFUL)), unit.suspends, unit.draws) for unit in program.units
    )
    return compiled if sum(len(each.code) for each in compiled) <= MAX_BYTES else ()


def program_of(load: Load, engines: EngineFactory) -> Program:
    """The program as another sandbox compiled it. Any failure ends this sandbox, and the bundle is compiled in another."""
    compiled = load.compiled
    if len(compiled) != 1 + len(load.helpers):
        raise ValueError("not the code of these texts")
    helpers: dict[str, Unit] = {}
    if load.helpers:
        for text, code in zip(load.helpers, compiled[1:], strict=True):
            helpers[text.name.removeprefix(f"{HELPER_MODULE}/")] = _unit(text, code)
    script = _unit(load.script, compiled[0])
    return Program(script, helpers, engines.engine(load.script.language), (script, *helpers.values()))


def _unit(text: Text, compiled: Compiled) -> Unit:
    shown = text.text.decode("utf-8", "replace").removeprefix(BYTE_ORDER_MARK)
    code = loads(compiled.code)  # noqa: S302 - this process is where such bytes may run
    if type(code) is not CodeType:
        raise TypeError("no code")
    unit = Unit(text.name, text.language, shown)
    unit.code, unit.used = code, frozenset(compiled.used)
    unit.suspends, unit.draws = compiled.suspends, compiled.draws
    return unit
