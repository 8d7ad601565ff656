"""getattr, setattr and what writes attributes: the guards that stay at run, because their names or objects are dynamic."""

from __future__ import annotations

import types
from typing import Any

from scripting.sandbox.library.classes import OWN_CLASSES, EnumScriptClass, ScriptClass
from scripting.sandbox.library.text import BoundFormat, safe_format, safe_format_map, scrub
from scripting.sandbox.library.violation import SecurityViolation
from scripting.sandbox.policy.names import attribute_problem

_MISSING = object()
OPEN_CLASSES: set[type] = set()
"""Classes of the library whose instances belong to a run, so that it may set their attributes."""


def writable(target: Any) -> Any:
    """The target, if it is a script's own class or an instance of one; nothing else may have attributes set."""
    kind = type(target)
    if type(kind) is ScriptClass or kind is ScriptClass:
        return target
    if type(kind) in OWN_CLASSES or kind in OWN_CLASSES or kind in OPEN_CLASSES:
        return target
    if isinstance(kind, EnumScriptClass) or kind is EnumScriptClass:
        raise AttributeError("an enum and its members cannot be changed")
    instead = '; write value["key"] = …' if isinstance(target, dict) else ""
    raise SecurityViolation(
        f"attributes can be set on objects of your own classes only, not on {_named(target)}{instead}"
    )


def guarded_getattr(target: Any, name: str, default: Any = _MISSING, /) -> Any:
    """getattr() for names that scripts may write."""
    _check(name, write=False)
    if name in _SPECIAL:
        return _special(target, name, default)
    return getattr(target, name) if default is _MISSING else getattr(target, name, default)


def guarded_hasattr(target: Any, name: str, /) -> bool:
    """hasattr(): False for names that scripts may not write."""
    if type(name) is not str:
        raise TypeError("the attribute's name must be a string")
    return attribute_problem(name) is None and hasattr(target, name)


def guarded_setattr(target: Any, name: str, value: Any, /) -> None:
    """setattr() on objects of the script's own classes."""
    _check(name, write=True)
    setattr(writable(target), name, value)


def guarded_init(base: Any, target: Any, /, *args: Any, **kwargs: Any) -> None:
    """base.__init__(target, …) for a class and an object of the script's own: what is shared is not made anew."""
    if not isinstance(base, type):
        raise SecurityViolation(f"__init__ can be called on a class only, not on {_named(base)}")
    base.__init__(writable(target), *args, **kwargs)  # type: ignore[misc]


_SELF = super.__dict__["__self__"]


def super_of_object(found: Any) -> Any:
    """The object that `super()` gave, from which `__init__` is to be called: of a class it would be a constructor for any target."""
    if isinstance(_SELF.__get__(found), type):
        raise SecurityViolation("super().__init__() can be called for an object only, not for a class")
    return found


def guarded_delattr(target: Any, name: str, /) -> None:
    """delattr() on objects of the script's own classes."""
    _check(name, write=True)
    delattr(writable(target), name)


def _check(name: object, *, write: bool) -> None:
    if type(name) is not str:
        raise TypeError("the attribute's name must be a string")
    problem = attribute_problem(name, write=write)
    if problem:
        raise SecurityViolation(problem[0])


_SPECIAL = frozenset({"format", "format_map", "args"})
_FORMATS = {"format": safe_format, "format_map": safe_format_map}


def _special(target: Any, name: str, default: Any) -> Any:
    if name in _FORMATS:
        if isinstance(target, type) and issubclass(target, str):
            return _FORMATS[name]
        if isinstance(target, str):
            return BoundFormat(_FORMATS[name], target)
    value = getattr(target, name) if default is _MISSING else getattr(target, name, default)
    if name in _FORMATS:
        return _safe_form(name, value)
    if name == "args" and isinstance(target, (BaseException, super)):
        return tuple(scrub(part) for part in value) if type(value) is tuple else value
    return value


def _safe_form(name: str, value: Any) -> Any:
    """The method that was found, or its safe form if it is that of str, however it was come by (super() finds it too)."""
    if isinstance(value, types.BuiltinMethodType) and isinstance(value.__self__, str):
        return BoundFormat(_FORMATS[name], value.__self__)
    if isinstance(value, types.MethodDescriptorType) and value.__objclass__ is str:
        return _FORMATS[name]
    return value


def _named(target: Any) -> str:
    name = target.__name__ if isinstance(target, type) else f"a value of type {type(target).__name__}"
    return str(name)[:80]
