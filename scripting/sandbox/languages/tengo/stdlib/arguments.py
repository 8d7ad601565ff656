"""How the functions of modules take their arguments: conversions by position, failures that name the argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.tengo.runtime import conversions
from scripting.sandbox.languages.tengo.runtime.values import BYTES, Error, Failure, native

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_EXPECTED = {
    "int": "int(compatible)", "float": "float(compatible)", "text": "string(compatible)", "bytes": "bytes(compatible)",
    "time": "time(compatible)", "bool": "bool", "string": "string", "exact int": "int", "exact float": "float",
    "exact bytes": "bytes",
}  # fmt: skip
_CONVERT: dict[str, Callable[[Any], Any]] = {
    "int": conversions.to_int,
    "float": conversions.to_float,
    "text": conversions.to_text,
    "bytes": conversions.to_bytes,
    "time": conversions.to_time,
    "bool": lambda value: value if type(value) is bool else None,
    "string": lambda value: value if type(value) is str else None,
    "exact int": lambda value: value if type(value) is int else None,
    "exact float": lambda value: value if type(value) is float else None,
    "exact bytes": lambda value: value if type(value) in BYTES else None,
}


def error(text: str) -> Error:
    """The error value with this text."""
    return Error(text)


def taking(name: str, kinds: str, function: Callable[..., Any], *, optional: int = 0) -> Callable[..., Any]:
    """The function as scripts call it: as many arguments as kinds (comma-separated), the last ones optional."""
    wanted = [kind.strip() for kind in kinds.split(",")] if kinds else []
    least = len(wanted) - optional
    convert = [_CONVERT.get(kind) for kind in wanted]
    function_name = f"user-function:{name}"

    def call(*values: Any) -> Any:
        if not least <= len(values) <= len(wanted):
            raise Failure(f"wrong number of arguments in call to '{function_name}'")
        converted: list[Any] = []
        for index, value in enumerate(values):
            conversion = convert[index]
            found = value if conversion is None else conversion(value)
            if found is None and conversion is not None:
                raise conversions.bad_argument(function_name, _ORDINALS[index], _EXPECTED[wanted[index]], value)
            converted.append(found)
        return function(*converted)

    return native(call, name)
