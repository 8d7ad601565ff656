"""Abstract classes: scripts may make classes from those that are shared, but nothing can be registered with them.

A registration outlives the run: `Sequence.register(int)` would make every later number a sequence.
"""

from __future__ import annotations

import types
from abc import ABCMeta
from typing import Any, TypeVar

from scripting.sandbox.library.violation import SecurityViolation

_Any = TypeVar("_Any")


def freeze_registries() -> None:
    """In this process, for good: no class is registered with an abstract one, and none is forgotten."""
    for name in ("register", "_abc_registry_clear", "_abc_caches_clear", "_dump_registry"):
        if hasattr(ABCMeta, name):
            setattr(ABCMeta, name, _refuse)


def _refuse(cls: type, *_: Any) -> Any:
    raise SecurityViolation(f"nothing can be registered with {cls.__name__[:60]}: make the class from it")


def abstractmethod(function: _Any) -> _Any:
    """abc.abstractmethod for functions of the script's own."""
    if not is_own_function(function):
        raise TypeError("@abstractmethod stands before a method of your own class")
    function.__isabstractmethod__ = True  # type: ignore[attr-defined]
    return function


def is_own_function(function: object) -> bool:
    """Whether a function is a script's: those of modules are shared."""
    return isinstance(function, types.FunctionType) and "__spec__" not in function.__globals__
