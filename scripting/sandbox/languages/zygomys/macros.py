"""Macros: those of the language and of the text. They are expanded while the text is checked, in the sandbox and under its limits.

As in the original a macro sees the language's own functions and other macros, not what the text defines: that has no value yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scripting.sandbox.languages.zygomys.builtins import CONSTANTS, FUNCTIONS, for_run, new_gensym
from scripting.sandbox.languages.zygomys.catalog import MACROS
from scripting.sandbox.languages.zygomys.evaluator import Budget, Evaluator, TooMuch
from scripting.sandbox.languages.zygomys.forms import arguments_of, as_data, placed
from scripting.sandbox.languages.zygomys.runtime.values import Failure, Pair, Symbol, Vector, iterate, make_list
from scripting.sandbox.languages.zygomys.scanner import Places

_MAX_DEPTH = 60
"""Expansions inside one another."""
_STEPS = {"++": "+", "--": "-", "+=": "+", "-=": "-"}


@dataclass
class Macro:
    """(defmac name [parameters & rest] body …)"""

    name: str
    parameters: list[str]
    rest: str | None
    body: list[Any]


class Macros:
    """The macros of one text."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.own: dict[str, Macro] = {}
        self.budget = Budget()
        self.depth = 0
        self._evaluator = Evaluator(
            {**FUNCTIONS, **CONSTANTS, **for_run(_silent), "gensym": new_gensym()}, self._expand_inside, self.budget
        )

    def has(self, name: str) -> bool:
        return name in self.own or name in MACROS

    def define(self, macro: Macro) -> None:
        self.own[macro.name] = macro

    def expand(self, name: str, form: Pair) -> Any:
        """Expand a call of the macro, at its place. Raises Refusal."""
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            self._refuse(
                form,
                f"macros are expanded inside one another more than {_MAX_DEPTH} times",
                "does one expand to itself?",
            )
        try:
            return placed(self._made(name, form), form.start, form.end)
        except Failure as problem:
            self._refuse(form, f"the macro {name} fails: {problem}", _HINT)
        except TooMuch as problem:
            self._refuse(form, f"the macros of this text take too much: {problem}", "does one expand to itself?")
        except RecursionError:
            self._refuse(form, f"the macro {name} is nested too deeply", "does it call itself without end?")
        except (TypeError, ValueError, ArithmeticError, AttributeError, IndexError, KeyError) as problem:
            self._refuse(form, f"the macro {name} fails: {_shown(problem)}", _HINT)

    def done(self) -> None:
        """Leave the expansion: the next one is not nested in it."""
        self.depth -= 1

    def _refuse(self, form: Any, message: str, hint: str) -> Any:
        self.places.refuse(message, max(form.start, 0), max(form.end, 0), kind="compilation", hint=hint)

    def _expand_inside(self, name: str, form: Pair) -> Any:
        if not self.has(name):
            raise KeyError(name)
        return self._made(name, form)

    def _made(self, name: str, form: Pair) -> Any:
        macro = self.own.get(name)
        arguments = [_argument(item) for item in arguments_of(form)]
        if macro is not None:
            return self._evaluator.call(macro.parameters, macro.rest, macro.body, arguments, macro.name)
        return _standard(name, arguments)


_HINT = "a macro sees its own arguments, other macros and the language's functions, not what the text defines"


def _shown(problem: BaseException) -> str:
    text = str(problem).replace("builtin:", "")
    return text if "positional argument" in text else "wrong arguments"


def _silent(*_: Any) -> None:
    return None


def _argument(form: Any) -> Any:
    """A form as a macro gets it: arrays are plain lists; lists and symbols remember where they stand."""
    kind = type(form)
    if kind is Vector:
        return [_argument(item) for item in form]
    if kind is Pair:
        items = []
        cell = form
        while type(cell) is Pair:
            items.append(_argument(cell.head))
            cell = cell.tail
        made = _argument(cell)
        for item in reversed(items):
            made = Pair(item, made, form.start, form.end)
        return made
    return form


def _wrong(name: str, wanted: int, got: int) -> Failure:
    return Failure(f"{name} expected {wanted} arguments, got {got}")


def _standard(name: str, arguments: list[Any]) -> Any:
    """The macros that every text has."""
    if name in _STEPS:
        wanted = 1 if name in {"++", "--"} else 2
        if len(arguments) != wanted:
            raise _wrong(name, wanted, len(arguments))
        amount = 1 if wanted == 1 else arguments[1]
        return _call("set", arguments[0], _call(_STEPS[name], arguments[0], amount))
    if name == "defmap":
        if len(arguments) != 1:
            raise _wrong(name, 1, len(arguments))
        body = _call("msgmap", _call("quote", arguments[0]), Symbol("rest"))
        return _call("defn", arguments[0], [Symbol("&"), Symbol("rest")], body)
    if name == "range":
        if len(arguments) < 3:
            raise Failure(f"Expected >3 arguments, got {len(arguments)}")
        return _range(arguments[0], arguments[1], arguments[2], arguments[3:])
    raise Failure('scripts have no files: write (import name "shared/helper") for a helper script')


def expand_standard(name: str, form: Pair) -> Any:
    """Expand a call of a built-in macro. Raises KeyError for another name."""
    if name not in MACROS:
        raise KeyError(name)
    return _standard(name, arguments_of(form))


def _call(name: str, *arguments: Any) -> Pair:
    return Pair(Symbol(name), make_list(arguments))


def _range(key: Any, value: Any, source: Any, body: list[Any]) -> Any:
    index, count = Symbol("i"), Symbol("n")
    pair = _call("mdef", _call("quote", key), _call("quote", value), _call("hpair", source, index))
    control = [_call("def", index, 0), _call("<", index, count), _call("def", index, _call("+", index, 1))]
    loop = _call("for", control, _call("begin", pair, *body))
    return _call("let", [count, _call("len", source)], loop)


__all__ = ["Macro", "Macros", "as_data", "iterate"]
