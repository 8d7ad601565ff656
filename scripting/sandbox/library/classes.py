"""Classes as scripts make them: their own metaclass tells them from everything that is shared, their text shows no address."""

from __future__ import annotations

import itertools
from typing import Any

from scripting.sandbox.library.text import scrub
from scripting.sandbox.policy.names import OWN_MARK

_serials = itertools.count(1)


def restart_serials() -> None:
    """Count anew: identity hashes of script objects are the same in every run."""
    global _serials
    _serials = itertools.count(1)


def _identity_hash(self: Any) -> int:
    """An address-free hash for objects without __eq__: their number in order of first use."""
    try:
        kept = object.__getattribute__(self, "__dict__")
    except AttributeError:
        return 1
    serial = kept.get("__serial__")
    if serial is None:
        serial = kept["__serial__"] = next(_serials)
    return int(serial)


def _new_text(cls: type, *args: Any, **kwargs: Any) -> Any:
    return str.__new__(cls, scrub(str(*args, **kwargs)))


class FrozenClass(type):
    """The class of our own classes that are offered to scripts: they cannot be changed."""

    def __setattr__(cls, name: str, value: object) -> None:
        raise AttributeError(f"{cls.__name__} is shared and cannot be changed; make a class of your own from it")

    def __delattr__(cls, name: str) -> None:
        raise AttributeError(f"{cls.__name__} is shared and cannot be changed; make a class of your own from it")


class ScriptClass(FrozenClass):
    """The class of every class that a script defines. Only these, and their instances, may have attributes set."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> ScriptClass:
        if not bases:
            bases = (ScriptObject,)
        namespace[OWN_MARK] = None
        cls = super().__new__(mcs, name, bases, namespace)
        inherited: Any = cls.__hash__
        if inherited is object.__hash__:
            type.__setattr__(cls, "__hash__", _identity_hash)
        if issubclass(cls, str):
            type.__setattr__(cls, "__new__", _new_text)
        return cls

    def __setattr__(cls, name: str, value: object) -> None:
        type.__setattr__(cls, name, value)

    def __delattr__(cls, name: str) -> None:
        type.__delattr__(cls, name)

    def __repr__(cls) -> str:
        return f"<class {cls.__name__!r}>"


class ScriptObject:
    """The base of a script's classes that name none."""

    __slots__ = ()
    __hash__ = _identity_hash

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object>"
