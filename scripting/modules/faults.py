"""Whose fault an exception is: find the code of a game module that the engine called and that raised it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType

from scripting.modules.installed import modules

ENGINE = "scripting."
COMMANDS = "scripting.management.output"
"""Begins every command, those of modules too: what it calls is no hook."""


@dataclass(frozen=True)
class ModuleFault:
    """A mistake in the code of a game module."""

    module: str
    hook: str
    """The function that the engine called, such as `Tavern.validate`."""
    place: str
    """Where it went wrong, such as `tavern.module, line 85`."""
    error: str
    """Its type and message."""

    def __str__(self) -> str:
        return f"the code of module {self.module} failed, not the script: {self.hook} ({self.place}): {self.error}"


def fault_of(error: Exception) -> ModuleFault | None:
    """The fault of a module that let the engine's caller down; None where it is the engine's own, or somebody else's."""
    of_engine, hook, module, place = False, "", "", ""
    for name, code, line in _frames(error):
        if owner := _module_of(name):
            if of_engine:
                hook, module, place = hook or code.co_qualname, owner, f"{name}, line {line}"
        elif name.startswith(ENGINE) and name != COMMANDS:
            of_engine, module = True, ""  # where the engine fails below a hook, that is no fault of the hook
    if not module:
        return None
    message = str(error)
    return ModuleFault(module, hook, place, type(error).__name__ + (f": {message}" if message else ""))


def _frames(error: Exception) -> Iterator[tuple[str, CodeType, int]]:
    """Name of its Python module, code and line of each frame, the innermost last."""
    for frame, line in traceback.walk_tb(error.__traceback__):
        yield frame.f_globals.get("__name__", ""), frame.f_code, line


def _module_of(name: str) -> str:
    """The game module that a Python module belongs to; empty for none."""
    for module in modules:
        package = module.package
        if name in (package, type(module).__module__) or name.startswith(f"{package}."):
            return module.name
    return ""
