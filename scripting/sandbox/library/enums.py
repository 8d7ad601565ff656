"""enum for scripts: the library's enums, made anew by the class of a script's enums, so that those that are shared are frozen."""

from __future__ import annotations

import enum
from typing import Any

from scripting.sandbox.library.classes import EnumScriptClass
from scripting.sandbox.policy.names import OWN_MARK


def _offered(*bases: type) -> type:
    """The first of the bases, under its own name, for scripts to make enums from."""
    name = bases[0].__name__
    made = EnumScriptClass(name, bases, EnumScriptClass.__prepare__(name, bases))
    type.__delattr__(made, OWN_MARK)  # nobody's own
    type.__setattr__(made, "__module__", "enum")
    for method in ("__format__", "__repr__", "__str__"):
        type.__setattr__(made, method, getattr(bases[0], method))
    type.__setattr__(made, "_generate_next_value_", staticmethod(bases[0]._generate_next_value_))  # type: ignore[attr-defined]
    return made


_ENUM = _offered(enum.Enum)
_FLAG = _offered(enum.Flag, _ENUM)

MEMBERS: dict[str, Any] = {
    "Enum": _ENUM,
    "Flag": _FLAG,
    "IntEnum": _offered(enum.IntEnum, _ENUM),
    "IntFlag": _offered(enum.IntFlag, _FLAG),
    "StrEnum": _offered(enum.StrEnum, _ENUM),
    "auto": enum.auto,
    "unique": enum.unique,
}
