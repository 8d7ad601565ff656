"""The names that lowered code uses: the runtime's functions and the language's own, all beginning with `$`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.zygomys import builtins, control
from scripting.sandbox.languages.zygomys.plain_results import leave
from scripting.sandbox.languages.zygomys.runtime import hashes, numbers, types, values
from scripting.sandbox.policy.names import GENERATED

_RUNTIME: dict[str, Any] = {
    # Python's own, for what is known to be plain
    "type": type, "int": int, "float": float, "str": str, "list": list, "dict": dict, "len": len, "NameError": NameError,
    "Errors": control.ERRORS,
    # the general ways
    **{name: getattr(numbers, name) for name in "add sub mul wrap lt gt le ge eq ne".split()},
    **{name: getattr(values, name) for name in "Symbol Char Uint64 Scientific Verbatim Key Lazy Mark make_list truth".split()},
    **{name: getattr(hashes, name) for name in (
        "field colon colon_or select cut set_field set_selected entries range_entries range_keys".split()
    )},
    **{name: getattr(control, name) for name in (
        "call unknown assertion expected spliced unpacked unpacked_list set_key hget_field field_or package struct zero typed".split()
    )},
    "rebound": types.rebound,
    "unbound": values.UNBOUND,
    "new_gensym": builtins.new_gensym,
    "leave": leave,
}  # fmt: skip


def names(print_: Callable[..., None]) -> dict[str, Any]:
    """All of them, for one run's log."""
    functions = {**builtins.FUNCTIONS, **builtins.CONSTANTS, **builtins.for_run(print_), "read": control.READ}
    found = {GENERATED + name: value for name, value in _RUNTIME.items()}
    found |= {f"{GENERATED}builtin.{name}": function for name, function in functions.items()}
    found[GENERATED + "evaluate"] = control.evaluating(functions)
    return found
