"""The modules that scripts import, by name, each with its members."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.tengo.catalog import CONSTANTS, MODULES
from scripting.sandbox.languages.tengo.runtime.conversions import bad_argument, to_text
from scripting.sandbox.languages.tengo.runtime.formatting import format_text
from scripting.sandbox.languages.tengo.runtime.values import Failure, native
from scripting.sandbox.languages.tengo.stdlib import chance, encodings, enumeration, jsons, maths, texts, timing

_FIXED: dict[str, dict[str, Any]] = {
    "text": texts.MEMBERS,
    "math": maths.MEMBERS,
    "times": timing.MEMBERS,
    "rand": chance.MEMBERS,
    "json": jsons.MEMBERS,
    "base64": encodings.BASE64,
    "hex": encodings.HEX,
    "enum": enumeration.MEMBERS,
}


def members(print_: Callable[..., None]) -> dict[str, dict[str, Any]]:
    """Module to its members; what fmt prints goes to this run's log."""
    found = {"fmt": _printing(print_), **_FIXED}
    for module, names in found.items():
        missing = (MODULES[module].keys() | CONSTANTS.get(module, {}).keys()) - names.keys()
        assert not missing, (module, missing)
    return {module: {**names, "__module_name__": module} for module, names in found.items()}


def _printing(print_: Callable[..., None]) -> dict[str, Any]:
    def joined(values: tuple[Any, ...]) -> str:
        """As Go's Print: a space between two values only if neither is a string, which here all are."""
        return "".join([to_text(value) or "" for value in values])

    def write(text: str) -> None:
        """As to a terminal: what does not end in a newline is gone on with."""
        if text.endswith("\n"):
            print_(text[:-1])
        else:
            print_(text, end="")

    def say(*values: Any) -> None:
        write(joined(values))

    def sayf(*values: Any) -> None:
        write(sprintf_of("printf", values))

    def sprintf(*values: Any) -> str:
        return sprintf_of("sprintf", values)

    def sayln(*values: Any) -> None:
        print_(joined(values))

    return {
        "print": native(say, "print"),
        "printf": native(sayf, "printf"),
        "println": native(sayln, "println"),
        "sprintf": native(sprintf, "sprintf"),
    }


def sprintf_of(name: str, values: tuple[Any, ...]) -> str:
    if not values:
        raise Failure(f"wrong number of arguments in call to 'user-function:{name}'")
    pattern, *rest = values
    if type(pattern) is not str:
        raise bad_argument(f"user-function:{name}", "format", "string", pattern)
    return format_text(pattern, tuple(rest)) if rest else pattern
