"""Runtime support that lowered code calls, beside the language's own functions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn

from scripting.sandbox.languages.zygomys import evaluator
from scripting.sandbox.languages.zygomys.builtins import named
from scripting.sandbox.languages.zygomys.explain import text_of_error
from scripting.sandbox.languages.zygomys.forms import as_data
from scripting.sandbox.languages.zygomys.macros import expand_standard
from scripting.sandbox.languages.zygomys.reader import read
from scripting.sandbox.languages.zygomys.runtime import hashes, types
from scripting.sandbox.languages.zygomys.runtime.shown import shown, text_of
from scripting.sandbox.languages.zygomys.runtime.values import (
    Failure,
    Package,
    Symbol,
    fail,
    go_name,
    list_items,
)  # fmt: skip
from scripting.sandbox.languages.zygomys.scanner import Places
from scripting.sandbox.policy.refusal import Refusal

ERRORS = (
    Failure,
    TypeError,
    NameError,
    KeyError,
    IndexError,
    AttributeError,
    ValueError,
    ArithmeticError,
    RecursionError,
)
"""Errors that a script's own mistakes raise."""


def read_text(text: Any, /) -> Any:
    """(read text): its first form as data."""
    if not isinstance(text, str):
        fail("read", "operands have invalid type")
    try:
        forms = read(str(text) + "\n", Places(str(text) + "\n"))
    except (Refusal, RecursionError) as problem:
        fail("read", str(problem) or "the text is nested too deeply")
    return as_data(forms[0]) if forms else None


def call(function: Any) -> Any:
    """(f): what is no function is itself."""
    return function() if callable(function) else function


def unknown(name: str) -> NoReturn:
    raise Failure(f"symbol `{name}` not found")


def assertion(text: str) -> NoReturn:
    raise Failure(f"Assertion failed: {text}\n")


def expected(message: Any, error: BaseException | str | None) -> None:
    """(expectError message form), once the form has run."""
    if not isinstance(message, str):
        fail("expectError", "first arg to expectError must be the string of the error to expect")
    got = error if isinstance(error, str) else text_of_error(error) if error is not None else ""
    if got == str(message):
        return
    saw = f"saw '{got}'" if error is not None else "got no error"
    fail("expectError", f"expectError expected '{message}' but {saw}")


def spliced(value: Any) -> list[Any]:
    """The items that ~@ puts in."""
    return value if isinstance(value, list) else list_items(value)


def unpacked_list(value: Any, count: int) -> list[Any]:
    """Return the values that mdef assigns to its names."""
    items = list_items(value)
    if len(items) < count:
        raise Failure(f"bindlist failing: {count} targets but only {len(items)} sources")
    return items


def unpacked(value: Any, count: int) -> list[Any]:
    """Return the values that {a, b = value} assigns to its names."""
    if not isinstance(value, list):
        raise Failure(f"AssignInstr: don't know how to assign rhs {go_name(value)} `{shown(value)}`")
    if len(value) != count:
        raise Failure(f"assignment count mismatch {count} != {len(value)}")
    return value


def set_key(container: Any, key: Any, value: Any) -> Any:
    """(set (hashidx container key) value)"""
    if not isinstance(container, dict):
        return hashes.set_selected(container, key if isinstance(key, list) else [key], value)
    hashes.store(container, hashes.key_of(key), value)
    return value


def hget_field(container: Any, name: str) -> Any:
    return hashes.hget(container, Symbol(name))


def field_or(container: Any, name: str, default: Any) -> Any:
    return hashes.hget(container, Symbol(name), default)


def package(name: str, members: dict[str, Any]) -> Package:
    return Package(name, {member: (parts[0], parts[1]) for member, parts in members.items()})


def struct(name: str, fields: list[Any]) -> types.Struct:
    for field, kind in fields:
        if not isinstance(kind, types.Type):
            raise Failure(f"bad struct declaration '{name}': the type of field '{field}' is none")
    return types.Struct(name, [(field, kind) for field, kind in fields])


def zero(kind: Any) -> Any:
    """(var name type): the type's own nothing."""
    if not isinstance(kind, types.Type):
        fail("var", "bad var declaration, type is unknown")
    return kind.make() if kind.make is not None else None


def typed(function: Callable[..., Any], name: str, names: list[str], kinds: list[Any]) -> Callable[..., Any]:
    """A function declared with `func`: arguments by name or in turn, of the types that it declares."""

    @functools.wraps(function)
    def checked(*given: Any) -> Any:
        arguments = _by_name(name, names, list(given)) if given and _is_label(given[0], names) else list(given)
        for label, kind, value in zip(names, kinds, arguments, strict=False):
            got = types.assigned_type(value)
            if isinstance(kind, types.Type) and got and got != kind.name:
                words = f"type mismatch for parameter '{label}': expected '{kind.text}', got '{got}'"
                raise Failure(words)
        return function(*arguments)

    return checked


def _is_label(value: Any, names: list[str]) -> bool:
    return type(value) is Symbol and bool(names)


def _by_name(function: str, names: list[str], given: list[Any]) -> list[Any]:
    found: dict[str, Any] = {}
    for label, value in zip(given[::2], given[1::2], strict=False):
        if type(label) is not Symbol or label.name not in names:
            raise Failure(f"{function} takes no argument '{text_of(label)}'")
        if label.name in found:
            raise Failure(f"duplicate named parameter '{label.name}'")
        found[label.name] = value
    if len(found) != len(names):
        raise Failure(f"named arguments count {len(found)} != expected {len(names)}")
    return [found[name] for name in names]


READ = named("read", read_text)


class _Seen(evaluator.Env):
    """The variables that an eval can see, read when it asks for them."""

    def __init__(self, outer: evaluator.Env, readers: dict[str, Callable[[], Any]]) -> None:
        super().__init__(outer)
        self.readers = readers

    def find(self, name: str) -> evaluator.Env | None:
        return self if name in self.values or name in self.readers else super().find(name)

    def get(self, name: str) -> Any:
        if name not in self.values and name in self.readers:
            return self.readers[name]()
        return super().get(name)


def evaluating(functions: dict[str, Any]) -> Callable[..., Any]:
    """(eval form …) with these functions."""

    def evaluate(forms: list[Any], readers: dict[str, Callable[[], Any]]) -> Any:
        walker = evaluator.Evaluator(functions, expand_standard, evaluator.Budget())
        try:
            return walker.forms(forms, _Seen(walker.functions, readers))
        except evaluator.TooMuch as problem:
            fail("eval", str(problem))

    return evaluate
