"""The objects that `import` gives a script: a frozen facade of a package, or of a helper with its names as they are now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn


class _Facade:
    """Attributes to read, and nothing else. Scripts know it as a module."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f'"{name}" of a package or helper cannot be set: it is shared')

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f'"{name}" of a package or helper cannot be deleted: it is shared')

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a package or helper cannot be copied")


class Package(_Facade):
    """A facade of a package: the listed names as attributes."""

    def __init__(self, name: str, members: Mapping[str, Any], absent: Mapping[str, str] | None = None) -> None:
        self.__dict__.update(members)
        self.__dict__["__serial__"] = name
        self.__dict__["__absent__"] = absent or {}

    def __getattr__(self, name: str) -> Any:
        instead = self.__dict__["__absent__"].get(name, "")
        hint = f": {instead}" if instead else ""
        raise AttributeError(f'the package "{self.__dict__["__serial__"]}" does not offer "{name}"{hint}')

    def __repr__(self) -> str:
        return f"<package {self.__dict__['__serial__']}>"


class HelperFacade(_Facade):
    """A facade of a helper: its own namespace, in which its functions go on writing while the run lasts."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        object.__setattr__(self, "__dict__", namespace)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f'the helper "{self.__dict__.get("__name__", "shared")}" does not have "{name}" now')

    def __repr__(self) -> str:
        return f"<helper {self.__dict__.get('__name__', 'shared')}>"


for _class in (Package, HelperFacade):
    _class.__name__ = _class.__qualname__ = "module"
