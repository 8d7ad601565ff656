"""Put errors that Python raises in a lowered script into the words of the original."""

from __future__ import annotations

import re

from scripting.sandbox.languages.zygomys.runtime.values import Failure

_TAKES = re.compile(r"(.*?)\(\) takes (?:from (\d+) to )?(\d+) positional arguments? but (\d+) (?:was|were) given$")
_MISSING = re.compile(r"(.*?)\(\) missing (\d+) required positional arguments?: ")
_NOT_CALLABLE = re.compile(r"'(\w+)' object is not callable$")
_UNBOUND = re.compile(r"variable '\$\.(.*?)(?: \d+)?'")
_NAMES = {
    "int": "int64", "float": "float64", "Scientific": "float64", "bool": "bool", "str": "string", "Verbatim": "string",
    "list": "array", "dict": "hash", "Record": "record", "NoneType": "nil", "Char": "char", "Uint64": "uint64",
    "Symbol": "symbol", "Pair": "list", "Raw": "raw", "bytes": "raw",
}  # fmt: skip
_NAMED = "builtin:"


def explain(error: BaseException) -> tuple[str, str] | None:
    """Message and hint; None where the error speaks for itself."""
    match error:
        case Failure():
            text = str(error).rstrip("\n")
            return text, next((hint for part, hint in _HINTS.items() if part in text), "")
        case RecursionError():
            return "too many calls inside one another", "call a function by itself as its last act, or use a loop"
        case NameError():
            hint = "define it with def, or is it spelled otherwise? It may be a context variable that did not come: get_context"
            return f"symbol `{_name(error)}` not found", hint
        case KeyError():
            key = error.args[0] if error.args else ""
            return f"hash has no field '{key}' [err 1]", _HINTS["has no field"]
        case IndexError():
            return (
                "Error calling 'aget': Array index out of bounds",
                "(aget array index default) gives the default instead",
            )
        case TypeError():
            return _type_error(str(error))
        case ImportError() | RuntimeError():
            return str(error), ""
    return None


def text_of_error(error: BaseException) -> str:
    """The message alone, as the original has it."""
    if isinstance(error, Failure):
        return str(error)
    explained = explain(error)
    return explained[0] if explained is not None else str(error)


_HINTS = {
    "has no field": "(:key hash default) and (hget hash %key default) give the default instead",
    "integer divide by zero": "test the divisor first",
    "operands have invalid type": "only numbers and chars can be computed with",
    "cannot compare": "type? says what a value is",
    "not a function on top of datastack": "what stands first in a list is called: is a quote % missing?",
    "symbol `": "define it with def, or is it spelled otherwise? It may be a context variable that did not come",
}


_OPERATORS = {
    "for +:": "+",
    "for -:": "-",
    "for *:": "*",
    "can only concatenate": "+",
    "can't multiply": "*",
    "not supported between": "+",
}
"""Python's messages for a wrong operand of a sum, or for a text or a list compared with a number."""


def _name(error: NameError) -> str:
    found = _UNBOUND.search(str(error))
    if found:
        return found[1]
    return str(error.name or "").removeprefix("$.").removeprefix("$builtin.").split(" ")[0]


def _type_error(message: str) -> tuple[str, str] | None:
    callable_ = _NOT_CALLABLE.search(message)
    if callable_:
        kind = _NAMES.get(callable_[1], callable_[1])
        return f"not a function on top of datastack: a value of type {kind}", _HINTS[
            "not a function on top of datastack"
        ]
    takes = _TAKES.search(message)
    if takes:
        return _wrong_number(takes[1], int(takes[4])), ""
    missing = _MISSING.search(message)
    if missing:
        return _wrong_number(missing[1], None, int(missing[2])), ""
    if "not subscriptable" in message or "indices must be integers" in message:
        return "only hashes and records have fields", "(hash? value) says whether it is one"
    for part, operator in _OPERATORS.items():
        if part in message:
            return f"Error calling '{operator}': operands have invalid type", _HINTS["operands have invalid type"]
    return None


def _wrong_number(name: str, got: int | None, missing: int = 0) -> str:
    """`name/2` and `name/2+` are functions of the text, with their parameters; others are the language's own."""
    name = name.rpartition(".")[2] if "/" in name and "<locals>" in name else name
    own, slash, arity = name.rpartition("/")
    if not slash or name.startswith(_NAMED):
        return f"Error calling '{name.removeprefix(_NAMED)}': wrong number of arguments"
    wanted = int(arity.rstrip("+"))
    given = wanted - missing if got is None else got
    if arity.endswith("+"):
        return f"Expected >{wanted} arguments, got {given}"
    return f"{own} expected {wanted} arguments, got {given}"
