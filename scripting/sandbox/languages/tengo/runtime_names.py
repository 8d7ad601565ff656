"""The names that lowered code uses: the runtime's functions, the builtins and the modules, all beginning with `$`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.tengo.plain_results import leave
from scripting.sandbox.languages.tengo.runtime import builtins, containers, operators, shown, values
from scripting.sandbox.languages.tengo.stdlib import modules
from scripting.sandbox.library.text import scrub
from scripting.sandbox.policy.names import GENERATED

_RUNTIME: dict[str, Any] = {
    # Python's own, for what is known to be plain
    "type": type, "int": int, "float": float, "str": str, "list": list, "dict": dict, "len": len, "range": range,
    "scrub": scrub,
    # the general ways
    **{name: getattr(operators, name) for name in (
        "add sub mul div rem band bor bxor bclear shl shr lt le gt ge neg invert wrap wrap_or_miss same".split()
    )},
    **{name: getattr(containers, name) for name in (
        "get put cut share values items steady_values steady_items spread append_one append_if_same".split()
    )},
    **{name: getattr(values, name) for name in "equals truth immutable miss Char Error".split()},
    "Miss": values.MISSES,
    "nests": values.NESTS,
    "text": shown.text_of,
    "float_text": shown.shortest,
    "leave": leave,
}  # fmt: skip


def names(print_: Callable[..., None]) -> dict[str, Any]:
    """All of them, for one run's log."""
    found = {GENERATED + name: value for name, value in _RUNTIME.items()}
    found |= {f"{GENERATED}builtin.{name}": function for name, function in builtins.FUNCTIONS.items()}
    for module, members in modules.members(print_).items():
        found[f"{GENERATED}import.{module}"] = values.ImmutableMap(members)
        found |= {f"{GENERATED}import.{module}.{name}": member for name, member in members.items()}
    return found
