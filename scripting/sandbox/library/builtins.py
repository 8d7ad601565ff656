"""The builtins of a script: which names there are, and which are guards."""

from __future__ import annotations

import builtins
import types
from collections.abc import Callable
from typing import Any

from scripting.sandbox.library import text
from scripting.sandbox.library.attributes import (
    guarded_delattr,
    guarded_getattr,
    guarded_hasattr,
    guarded_init,
    guarded_setattr,
    super_of_object,
    writable,
)
from scripting.sandbox.library.classes import SCRIPT_METACLASSES, ScriptClass, make_class
from scripting.sandbox.library.clock import ScriptDate, ScriptDatetime, Timestamp
from scripting.sandbox.library.naming import under_its_name
from scripting.sandbox.library.violation import SecurityViolation
from scripting.sandbox.policy.names import GENERATED

_PLAIN = [
    "abs",
    "all",
    "any",
    "bin",
    "bool",
    "bytearray",
    "bytes",
    "callable",
    "chr",
    "classmethod",
    "complex",
    "dict",
    "divmod",
    "enumerate",
    "filter",
    "float",
    "frozenset",
    "hex",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "list",
    "map",
    "max",
    "min",
    "next",
    "oct",
    "ord",
    "pow",
    "property",
    "range",
    "reversed",
    "round",
    "set",
    "slice",
    "sorted",
    "staticmethod",
    "sum",
    "super",
    "tuple",
    "zip",
    "None",
    "True",
    "False",
    "Ellipsis",
    "NotImplemented",
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BaseException",
    "EOFError",
    "Exception",
    "FloatingPointError",
    "GeneratorExit",
    "ImportError",
    "IndexError",
    "KeyError",
    "LookupError",
    "MemoryError",
    "NameError",
    "NotImplementedError",
    "OverflowError",
    "RecursionError",
    "RuntimeError",
    "StopIteration",
    "SyntaxError",
    "TypeError",
    "UnboundLocalError",
    "UnicodeDecodeError",
    "UnicodeEncodeError",
    "UnicodeError",
    "ValueError",
    "Warning",
    "ZeroDivisionError",
    "ModuleNotFoundError",
    "PermissionError",
    "OSError",
    "IOError",
    "TimeoutError",
    "BufferError",
    "ReferenceError",
    "DeprecationWarning",
    "UserWarning",
    "RuntimeWarning",
]

_SHOWN_CLASSES: dict[type, Any] = {
    cls: cls
    for cls in (
        bool, bytearray, bytes, complex, dict, enumerate, filter, float, frozenset, int, list, map, property, range, reversed,
        set, slice, tuple, zip, type(None),
    )
} | {str: text.ScriptText, Timestamp: int}  # fmt: skip


class _TypeClass(type):
    """Makes ScriptType answer for type: calling it tells a value's class, isinstance looks at type."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) != 1 or kwargs:
            raise TypeError("type() takes one value and tells its class; write class Name: to make one")
        return _class_of(args[0])

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, type)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return subclass is cls

    def __getitem__(cls, item: object) -> Any:
        return cls  # type[int], in an annotation

    def __setattr__(cls, name: str, value: object) -> None:
        raise AttributeError("type cannot be changed")

    def __delattr__(cls, name: str) -> None:
        raise AttributeError("type cannot be changed")

    def __repr__(cls) -> str:
        return "<class 'type'>"


class ScriptType(metaclass=_TypeClass):
    """The `type` of scripts: a value's class, and the class of classes."""

    __slots__ = ()


for _class in (_TypeClass, ScriptType):
    type.__setattr__(_class, "__name__", "type")
    type.__setattr__(_class, "__qualname__", "type")


def _class_of(value: Any) -> Any:
    """type(value), for values whose class a script may hold; never a metaclass or an interpreter's own class."""
    if isinstance(value, type):
        return ScriptType
    cls = type(value)
    shown = _SHOWN_CLASSES.get(cls)
    if shown is not None:
        return shown
    if type(cls) in SCRIPT_METACLASSES or isinstance(value, BaseException):
        return cls
    if cls in {ScriptDate, ScriptDatetime} or cls.__module__ in {"datetime", "collections", "re"}:
        return cls
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return cls
    raise SecurityViolation(f"type() does not show the class of a {cls.__name__}")


def _common() -> dict[str, Any]:
    """The builtins that are the same in every sandbox."""
    names: dict[str, Any] = {name: getattr(builtins, name) for name in _PLAIN}
    names |= {
        "__build_class__": builtins.__build_class__,
        "__name__": "__main__",
        "__debug__": True,
        "ascii": text.text_ascii,
        "delattr": guarded_delattr,
        "format": text.text_format,
        "getattr": guarded_getattr,
        "hasattr": guarded_hasattr,
        "repr": text.text_repr,
        "setattr": guarded_setattr,
        "str": text.ScriptText,
        "type": ScriptType,
    }
    guards = {
        "class": make_class,
        "getattr": guarded_getattr,
        "init": guarded_init,
        "imod": text.text_imod,
        "int": int,
        "made": ScriptClass,
        "scrub": text.scrub,
        "shown": text.shown,
        "str": str,
        "super": super_of_object,
        "text": text.text_of,
        "type": type,
        "write": writable,
    }
    for name, value in names.items():
        under_its_name(name, value)
    return names | {GENERATED + name: guard for name, guard in guards.items()}


_COMMON = _common()
_ahead: list[dict[str, Any]] = []


def make_ahead() -> None:
    """Make a copy in the light parent for the next sandbox: made by the sandbox, it would touch each object in it, and so its own
    copy of most pages that they lie on."""
    _ahead.append(dict(_COMMON))


def make_builtins(
    functions: dict[str, Callable[..., Any]], import_: Callable[..., Any], print_: Callable[..., None]
) -> dict[str, Any]:
    """The `__builtins__` of a sandbox's scripts: functions are those that the run offers (log, rand, the module's own)."""
    names = _ahead.pop() if _ahead else dict(_COMMON)
    names["__import__"], names["print"] = import_, print_
    names |= functions
    return names


BUILTIN_NAMES = frozenset(make_builtins({}, types.SimpleNamespace, print))
"""Names that mean the same in every script."""
