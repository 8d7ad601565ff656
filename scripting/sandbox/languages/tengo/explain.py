"""Put errors that Python raises in a lowered script into Tengo's words."""

from __future__ import annotations

import re

from scripting.sandbox.languages.tengo.runtime.values import Failure

_TAKES = re.compile(r"([^.]*)\(\) takes (?:from (\d+) to )?(\d+) positional arguments? but (\d+) (?:was|were) given$")
_MISSING = re.compile(r"([^.]*)\(\) missing (\d+) required positional arguments?: ")
_NOT_CALLABLE = re.compile(r"'(\w+)' object is not callable$")
_TYPES = {
    "int": "int", "float": "float", "bool": "bool", "str": "string", "list": "array", "Slice": "array", "dict": "map", "NoneType": "undefined",
    "bytearray": "bytes", "bytes": "bytes", "Char": "char", "Error": "error", "Time": "time", "ImmutableArray": "immutable-array",
    "ImmutableMap": "immutable-map",
}  # fmt: skip


def explain(error: BaseException) -> tuple[str, str] | None:
    """Message and hint; None where the error speaks for itself."""
    match error:
        case Failure():
            return str(error), _HINTS.get(str(error).partition(":")[0], "")
        case RecursionError():
            return "stack overflow", "a function calls itself without end, or too often: use a loop"
        case NameError(name=str() as name):
            hint = "define it with :=, or is it spelled otherwise? It may be a context variable that did not come: get_context()"
            return f"unresolved reference '{name.removeprefix('$.')}'", hint
        case TypeError():
            return _type_error(str(error))
        case ImportError() | RuntimeError():
            return str(error), ""
    return None


_HINTS = {
    "division by zero": "test the divisor first",
    "not indexable": "only arrays, maps, strings, bytes and errors have parts",
    "not index-assignable": "only parts of arrays and maps can be assigned to; copy() makes an immutable one mutable",
    "index out of bounds": "append(array, value) makes an array longer",
}


def _type_error(message: str) -> tuple[str, str] | None:
    callable_ = _NOT_CALLABLE.search(message)
    if callable_:
        return f"not callable: {_TYPES.get(callable_[1], callable_[1])}", ""
    takes = _TAKES.search(message)
    if takes:
        return _wrong_number(takes[1], int(takes[4])), ""
    missing = _MISSING.search(message)
    if missing:
        return _wrong_number(missing[1], None, int(missing[2])), ""
    return None


def _wrong_number(name: str, got: int | None, missing: int = 0) -> str:
    """`name/2` and `name/2+` are functions written in Tengo, with their parameters; others are the language's own."""
    _, slash, arity = name.rpartition("/")
    if not slash:
        return f"wrong number of arguments in call to '{name.lstrip('_')}'"
    wanted = int(arity.rstrip("+"))
    return f"wrong number of arguments: want{'>' if arity.endswith('+') else ''}={wanted}, got={wanted - missing if got is None else got}"
