"""Walks forms and does what they say: the bodies of macros while a text is checked, and `eval` at run. Counts its steps.

What runs is lowered to Python instead; this is for forms that no check has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scripting.sandbox.languages.zygomys.forms import arguments_of, as_data, assignment_place, head_name, quoted_symbol
from scripting.sandbox.languages.zygomys.infix import Infix
from scripting.sandbox.languages.zygomys.runtime import hashes
from scripting.sandbox.languages.zygomys.runtime.shown import shown
from scripting.sandbox.languages.zygomys.runtime.values import (
    Failure,
    Pair,
    Symbol,
    Vector,
    fail,
    go_name,
    is_function,
    is_list,
    iterate,
    list_items,
    make_list,
    truth,
)  # fmt: skip
from scripting.sandbox.languages.zygomys.scanner import Places
from scripting.sandbox.policy.refusal import Refusal

MAX_STEPS = 200_000
"""Of all macros of a text together, and of one eval."""
MAX_DEPTH = 200


class TooMuch(Exception):
    """The steps are used up."""


class Budget:
    """The steps that are left, and how deep the walk is."""

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.steps = steps
        self.depth = 0

    def enter(self) -> None:
        self.steps -= 1
        self.depth += 1
        if self.steps < 0:
            raise TooMuch(f"more than {MAX_STEPS} steps")
        if self.depth > MAX_DEPTH:
            raise TooMuch(f"nested deeper than {MAX_DEPTH}")


class _Leave(Exception):
    def __init__(self, label: str | None, *, is_break: bool) -> None:
        super().__init__(
            "(break) found but not inside a loop." if is_break else "(continue) found but not inside a loop."
        )
        self.label = label
        self.is_break = is_break


class Env:
    """Variables by name, with those around them."""

    def __init__(self, outer: Env | None, values: dict[str, Any] | None = None) -> None:
        self.outer = outer
        self.values: dict[str, Any] = values if values is not None else {}

    def find(self, name: str) -> Env | None:
        env: Env | None = self
        while env is not None:
            if name in env.values:
                return env
            env = env.outer
        return None

    def get(self, name: str) -> Any:
        env = self.find(name)
        if env is None:
            raise Failure(f"symbol `{name}` not found")
        return env.values[name]


class Evaluator:
    """Evaluates in one set of globals."""

    def __init__(self, functions: Mapping[str, Any], expand: Callable[[str, Any], Any] | None, budget: Budget) -> None:
        self.functions = Env(None, dict(functions))
        self.expand = expand
        """(name, form) to the form that a macro makes of it; what is no macro raises KeyError."""
        self.budget = budget
        self.infix = Infix(Places(""), lambda name: name)

    def call(self, parameters: list[str], rest: str | None, body: list[Any], arguments: list[Any], name: str) -> Any:
        """Expand a macro with these parameters on these forms."""
        return self._function(name, parameters, rest, body, self.functions, None)(*arguments)

    def forms(self, forms: list[Any], env: Env) -> Any:
        value = None
        for form in forms:
            value = self.value(form, env)
        return value

    def value(self, form: Any, env: Env) -> Any:
        kind = type(form)
        if kind is Symbol:
            return self._symbol(form, env)
        if kind is list or kind is Vector:
            return [self.value(item, env) for item in form]
        if kind is not Pair:
            return form
        if not is_list(form):
            return as_data(form)
        self.budget.enter()
        value = self._list(form, env)
        self.budget.depth -= 1
        return value

    def _symbol(self, symbol: Symbol, env: Env) -> Any:
        name = symbol.name
        if symbol.colon or name[:1] == "?":
            return Symbol(name)
        if "." in name and name != ".":
            first, *names = name.lstrip(".").split(".")
            return hashes.path(env.get(first), tuple(names))
        return env.get(name)

    def _list(self, form: Pair, env: Env) -> Any:
        place = assignment_place(form)
        if place > 0:
            items = list(iterate(form))
            targets, given = items[:place], items[place + 1 :]
            if len(targets) != len(given):
                raise Failure("assignment imbalance")
            value = None
            for target, source in zip(targets, given, strict=True):
                value = self._define(target, self.value(source, env), env)
            return value
        name = head_name(form)
        special = _FORMS.get(name)
        if special is not None:
            return special(self, arguments_of(form), env)
        if name and self.expand is not None and env.find(name) is None:
            try:
                made = self.expand(name, form)
            except KeyError:
                pass
            else:
                return self.value(made, env)
        function = self.value(form.head, env)
        arguments = [self.value(argument, env) for argument in arguments_of(form)]
        return call(function, arguments)

    def _function(
        self, name: str, parameters: list[str], rest: str | None, body: list[Any], env: Env, text: str | None
    ) -> Callable[..., Any]:
        def function(*arguments: Any) -> Any:
            if len(arguments) < len(parameters) or (rest is None and len(arguments) > len(parameters)):
                raise Failure(f"{name} expected {len(parameters)} arguments, got {len(arguments)}")
            values = dict(zip(parameters, arguments, strict=False))
            if rest is not None:
                values[rest] = make_list(arguments[len(parameters) :])
            return self.forms(body, Env(env, values))

        function.__name__ = function.__qualname__ = f"{name}/{len(parameters)}"
        function.__doc__ = text
        return function

    # Special forms

    def _define(self, target: Any, value: Any, env: Env) -> Any:
        symbol = target if type(target) is Symbol else quoted_symbol(target)
        if symbol is None:
            return self._assign(target, value, env)
        if "." in symbol.name[1:]:
            return self._assign(target, value, env)
        env.values[symbol.name] = value
        return value

    def _assign(self, target: Any, value: Any, env: Env) -> Any:
        symbol = target if type(target) is Symbol else quoted_symbol(target)
        if symbol is not None:
            first, *names = symbol.name.lstrip(".").split(".")
            if names:
                return hashes.set_field(hashes.path(env.get(first), tuple(names[:-1])), names[-1], value)
            found = env.find(symbol.name)
            (env if found is None or found is self.functions else found).values[symbol.name] = value
            return value
        name = head_name(target)
        arguments = arguments_of(target) if type(target) is Pair else []
        if name == "infix" and arguments:
            forms = self.infix.forms(arguments[0])
            return self._assign(forms[-1], value, env)
        if name in {"arrayidx", "hashidx"} and len(arguments) == 2:
            container = self.value(arguments[0], env)
            selector = arguments[1]
            if type(selector) is Symbol:
                *path, last = selector.name.lstrip(".").split(".")
                return hashes.set_field(hashes.path(container, tuple(path)), last, value)
            return hashes.set_selected(container, self.value(selector, env), value)
        raise Failure("left-hand-side must be a symbol")

    def _fn(self, arguments: list[Any], env: Env, name: str, text: str) -> Any:
        parameters, rest = parameter_names(arguments[0] if arguments else None)
        return self._function(name, parameters, rest, arguments[1:], env, text)

    def _let(self, arguments: list[Any], env: Env, *, is_sequential: bool) -> Any:
        bindings = arguments[0] if arguments and isinstance(arguments[0], list) else None
        if bindings is None or len(bindings) % 2:
            raise Failure("let bindings must be in array")
        inner = Env(env)
        made: list[tuple[str, Any]] = []
        for symbol, source in zip(bindings[::2], bindings[1::2], strict=True):
            value = self.value(source, inner)
            if is_sequential:
                inner.values[symbol.name] = value
            made.append((symbol.name, value))
        inner.values.update(made)
        return self.forms(arguments[1:], inner)

    def _for(self, arguments: list[Any], env: Env) -> Any:
        label = None
        if arguments and type(arguments[0]) is Symbol:
            label, arguments = arguments[0].name, arguments[1:]
        if not arguments or not isinstance(arguments[0], list) or len(arguments[0]) != 3:
            raise Failure("for loop: first argument must be a label or a vector of [init predicate advance]")
        init, test, step = arguments[0]
        inner = Env(env)
        self.value(init, inner)
        while truth(self.value(test, inner)):
            self.budget.enter()
            self.budget.depth -= 1
            try:
                self.forms(arguments[1:], inner)
            except _Leave as leave:
                if leave.label is not None and leave.label != label:
                    raise
                if leave.is_break:
                    break
            self.value(step, inner)
        return None

    def template(self, form: Any, env: Env) -> Any:
        """Evaluate a syntax-quote."""
        kind = type(form)
        if kind is list or kind is Vector:
            return list(self._parts(list(form), env))
        if kind is not Pair:
            return form
        if head_name(form) == "unquote" and type(form.tail) is Pair:
            return self.value(form.tail.head, env)
        return make_list(self._parts(list(iterate(form)), env))

    def _parts(self, items: list[Any], env: Env) -> list[Any]:
        made: list[Any] = []
        for item in items:
            self.budget.enter()
            if head_name(item) == "unquote-splicing" and type(item.tail) is Pair:
                spliced = self.value(item.tail.head, env)
                made += spliced if isinstance(spliced, list) else list_items(spliced)
            else:
                made.append(self.template(item, env))
            self.budget.depth -= 1
            if len(made) > MAX_STEPS:
                raise TooMuch(f"a list of more than {MAX_STEPS} parts")
        return made


def call(function: Any, arguments: list[Any]) -> Any:
    """A call of whatever it is: without arguments, what is no function is itself."""
    if callable(function):
        return function(*arguments)
    if not arguments:
        return function
    raise Failure(f"not a function on top of datastack: '{go_name(function)}'")


def parameter_names(form: Any) -> tuple[list[str], str | None]:
    """The names of [a b & rest]."""
    if not isinstance(form, list):
        raise Failure("function arguments must be in vector")
    names = []
    for item in form:
        if type(item) is not Symbol:
            raise Failure("function argument must be symbol")
        names.append(item.name)
    if len(names) >= 2 and names[-2] == "&":
        return names[:-2], names[-1]
    return names, None


def _cond(evaluator: Evaluator, arguments: list[Any], env: Env) -> Any:
    if len(arguments) % 2 == 0:
        raise Failure("missing default case")
    for test, form in zip(arguments[:-1:2], arguments[1::2], strict=True):
        if truth(evaluator.value(test, env)):
            return evaluator.value(form, env)
    return evaluator.value(arguments[-1], env)


def _logic(is_or: bool) -> Callable[[Evaluator, list[Any], Env], Any]:
    def logic(evaluator: Evaluator, arguments: list[Any], env: Env) -> Any:
        value = None
        for argument in arguments:
            value = evaluator.value(argument, env)
            if truth(value) is is_or:
                break
        return value

    return logic


def _def(evaluator: Evaluator, arguments: list[Any], env: Env) -> Any:
    return evaluator._define(arguments[0], evaluator.value(arguments[1], env), env)


def _set(evaluator: Evaluator, arguments: list[Any], env: Env) -> Any:
    return evaluator._assign(arguments[0], evaluator.value(arguments[1], env), env)


def _mdef(evaluator: Evaluator, arguments: list[Any], env: Env) -> Any:
    values = list_items(evaluator.value(arguments[-1], env))
    for target, value in zip(arguments[:-1], values, strict=False):
        evaluator._define(target, value, env)
    return make_list(values)


def _defn(evaluator: Evaluator, arguments: list[Any], env: Env) -> None:
    name = arguments[0].name
    env.values[name] = evaluator._fn(arguments[1:], env, name, f"(defn {' '.join(map(shown, arguments))})")


def _assert(evaluator: Evaluator, arguments: list[Any], env: Env) -> None:
    if not truth(evaluator.value(arguments[0], env)):
        raise Failure(f"Assertion failed: {shown(arguments[0])}\n")


def _leaving(is_break: bool) -> Callable[[Evaluator, list[Any], Env], Any]:
    def leave(evaluator: Evaluator, arguments: list[Any], env: Env) -> Any:
        raise _Leave(arguments[0].name if arguments else None, is_break=is_break)

    return leave


def _infix(evaluator: Evaluator, arguments: list[Any], env: Env) -> Any:
    if not arguments:
        return None
    try:
        forms = evaluator.infix.forms(arguments[0])
    except Refusal as problem:
        raise Failure(problem.message) from None
    return evaluator.forms(forms, env)


def _colon(evaluator: Evaluator, arguments: list[Any], env: Env) -> Any:
    key, container, *default = arguments
    found = evaluator.value(container, env)
    is_plain = type(key) is Symbol and isinstance(found, dict)
    evaluated = None if is_plain or type(key) not in {Symbol, Pair} else lambda: evaluator.value(key, env)
    more = [evaluator.value(default[0], env)] if default else []
    return hashes.colon(found, as_data(key), evaluated, *more)


def _return(evaluator: Evaluator, arguments: list[Any], env: Env) -> Any:
    values = [evaluator.value(argument, env) for argument in arguments]
    return values[0] if len(values) == 1 else values or None


def _refused(evaluator: Evaluator, arguments: list[Any], env: Env) -> Any:
    fail("eval", "declarations stand in the text itself")


_FORMS: dict[str, Callable[[Evaluator, list[Any], Env], Any]] = {
    "quote": lambda evaluator, arguments, env: as_data(arguments[0]) if arguments else None,
    "syntaxQuote": lambda evaluator, arguments, env: evaluator.template(arguments[0], env),
    "and": _logic(False),
    "or": _logic(True),
    "cond": _cond,
    "def": _def,
    "set": _set,
    "mdef": _mdef,
    "fn": lambda evaluator, arguments, env: evaluator._fn(
        arguments, env, "__anon", f"(fn {' '.join(map(shown, arguments))})"
    ),
    "defn": _defn,
    "begin": lambda evaluator, arguments, env: evaluator.forms(arguments, env),
    "newScope": lambda evaluator, arguments, env: evaluator.forms(arguments, Env(env)),
    "let": lambda evaluator, arguments, env: evaluator._let(arguments, env, is_sequential=False),
    "letseq": lambda evaluator, arguments, env: evaluator._let(arguments, env, is_sequential=True),
    "assert": _assert,
    "for": lambda evaluator, arguments, env: evaluator._for(arguments, env),
    "break": _leaving(True),
    "continue": _leaving(False),
    "infix": _infix,
    ":": _colon,
    "return": _return,
    **dict.fromkeys(
        ("defmac", "struct", "func", "method", "interface", "var", "package", "import", "expectError"), _refused
    ),
}

__all__ = ["MAX_STEPS", "Budget", "Env", "Evaluator", "TooMuch", "call", "is_function", "parameter_names"]
