"""Classes as scripts make them: their own metaclass tells them from everything that is shared, their text shows no address."""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Iterator
from enum import EnumType
from typing import Any

from scripting.sandbox.library.present import present
from scripting.sandbox.library.text import ScriptText, scrub
from scripting.sandbox.policy.names import OWN_MARK


def _identity_hash(self: Any) -> int:
    """An address-free hash for objects without __eq__: their number in order of first use."""
    try:
        kept = object.__getattribute__(self, "__dict__")
    except AttributeError:
        return 1
    serial = kept.get("__serial__")
    if serial is None:
        present.serials += 1
        serial = kept["__serial__"] = present.serials
    return int(serial)


def _new_text(cls: type, *args: Any, **kwargs: Any) -> Any:
    return str.__new__(cls, scrub(str(*args, **kwargs)))


class FrozenClass(type):
    """The class of our own classes that are offered to scripts: they cannot be changed. Its messages call it `type`."""

    def __setattr__(cls, name: str, value: object) -> None:
        raise AttributeError(f"{cls.__name__} is shared and cannot be changed; make a class of your own from it")

    def __delattr__(cls, name: str) -> None:
        raise AttributeError(f"{cls.__name__} is shared and cannot be changed; make a class of your own from it")


class ScriptClass(FrozenClass):
    """The class of every class that a script defines. Only these, and their instances, may have attributes set."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> ScriptClass:
        if not bases:
            bases = (ScriptObject,)
        dict.__setitem__(namespace, OWN_MARK, None)  # past an enum's namespace, for which every name is a member
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


class AbstractScriptClass(ScriptClass, ABCMeta):
    """The class of a script's classes that are made from abstract ones."""


class EnumScriptClass(EnumType, ScriptClass):
    """The class of a script's enums, and of the offered ones that they are made from."""

    def __call__(cls, value: Any, names: Any = None, *, start: int = 1) -> Any:  # type: ignore[override]
        """A member by its value; with names, a new enum (`Enum("Colour", "RED GREEN")`)."""
        if names is None:
            return super().__call__(value)
        pairs = list(_members(names, start))
        for name, _ in pairs:
            if not (type(name) is str and name.isidentifier() and name[0] != "_"):
                raise ValueError("the names of an enum's members must be names that do not begin with an underscore")
        return super().__call__(str.__str__(value), pairs)

    def __setattr__(cls, name: str, value: object) -> None:
        super().__setattr__(name, value)


def _members(names: Any, start: int) -> Iterator[tuple[Any, Any]]:
    """The members that `Enum(name, names)` means, each with its value."""
    if isinstance(names, str):
        names = str.replace(names, ",", " ").split()
    items = list(names.items()) if isinstance(names, dict) else list(names)
    for number, item in enumerate(items, start):
        yield (item[0], item[1]) if isinstance(item, (tuple, list)) and len(item) == 2 else (item, number)


class _ClassMaker:
    """Stand-in for a metaclass in a script's class statements: calls the one that fits the base classes."""

    def __prepare__(self, name: str, bases: tuple[type, ...]) -> Any:
        return _metaclass(bases).__prepare__(name, bases)

    def __call__(self, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> type:
        bases = tuple(str if base is ScriptText else base for base in bases)
        return _metaclass(bases)(name, bases, namespace)


def _metaclass(bases: tuple[type, ...]) -> type[ScriptClass]:
    found: type[ScriptClass] = ScriptClass
    for base in bases:
        kind = type(base)
        if issubclass(kind, EnumType):
            found = EnumScriptClass
        elif issubclass(kind, ABCMeta):
            found = AbstractScriptClass
        elif kind not in {type, FrozenClass, ScriptClass} and base is not ScriptText:
            raise TypeError(f"a class cannot be made from {getattr(base, '__name__', 'a value')}")
    return found


make_class = _ClassMaker()
OWN_CLASSES = frozenset({ScriptClass, AbstractScriptClass})
"""Classes of the classes that are a script's own to change."""
SCRIPT_METACLASSES = frozenset({FrozenClass, ScriptClass, AbstractScriptClass, EnumScriptClass})

for _class in SCRIPT_METACLASSES:
    type.__setattr__(_class, "__name__", "type")
    type.__setattr__(_class, "__qualname__", "type")


class ScriptObject:
    """The base of a script's classes that name none."""

    __slots__ = ()
    __hash__ = _identity_hash

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object>"
