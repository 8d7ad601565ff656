"""Our functions under the names by which scripts know them: Python's messages tell a function's name."""

from __future__ import annotations

import types
from typing import Any

_OURS = "scripting."


def under_its_name(name: str, value: Any) -> Any:
    """The value; a function or class of ours is called so from now on, in messages and when it is shown."""
    if isinstance(value, types.FunctionType) and value.__module__.startswith(_OURS):
        value.__name__ = value.__qualname__ = name
    elif isinstance(value, type) and value.__module__.startswith(_OURS):
        rename_class(value, name)
    return value


def rename_class(cls: type, name: str) -> None:
    """Call a class, and the methods written in it, by this name."""
    type.__setattr__(cls, "__name__", name)
    type.__setattr__(cls, "__qualname__", name)
    for key, member in vars(cls).items():
        function = getattr(member, "__func__", member)
        if isinstance(function, types.FunctionType) and function.__module__.startswith(_OURS):
            function.__qualname__ = f"{name}.{key}"
