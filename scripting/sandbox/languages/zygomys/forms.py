"""Forms of code as data and back: what a quote gives, and questions that more than one stage asks of a form."""

from __future__ import annotations

from typing import Any

from scripting.sandbox.languages.zygomys.runtime.values import Mark, Pair, Symbol, Vector, is_list, iterate, make_list


def as_data(form: Any) -> Any:
    """Turn a quoted form into its value at run time: arrays become plain lists, symbols have no place."""
    kind = type(form)
    if kind is Vector:
        return [as_data(item) for item in form]
    if kind is Symbol:
        return Symbol(form.name)
    if kind is Pair:
        items = []
        while type(form) is Pair:
            items.append(as_data(form.head))
            form = form.tail
        return make_list(items, as_data(form))
    return form


def placed(form: Any, start: int, end: int) -> Any:
    """A form that a macro made, as code at the place of its call; parts that stand somewhere keep their own place."""
    kind = type(form)
    if kind is Symbol:
        return form if form.start >= 0 else Symbol(form.name, start, end, colon=form.colon)
    if kind is list or kind is Vector:
        where = (form.start, form.end) if kind is Vector and form.start >= 0 else (start, end)
        return Vector([placed(item, start, end) for item in form], *where)
    if kind is Pair:
        items = []
        at = (form.start, form.end) if form.start >= 0 else (start, end)
        while type(form) is Pair:
            items.append(placed(form.head, start, end))
            form = form.tail
        made = placed(form, start, end)
        for item in reversed(items):
            made = Pair(item, made, *at)
        return made
    if kind is dict:
        items = [Symbol("hash", start, end)]
        for key, value in form.items():
            items += [Symbol(key, start, end, colon=True) if type(key) is str else key, placed(value, start, end)]
        return placed(make_list(items), start, end)
    return form


def head_name(form: Any) -> str:
    """The name that a list begins with; empty for anything else."""
    return form.head.name if type(form) is Pair and type(form.head) is Symbol else ""


def quoted_symbol(form: Any) -> Symbol | None:
    """The symbol of %name or of (quote name)."""
    if head_name(form) == "quote" and type(form.tail) is Pair and type(form.tail.head) is Symbol:
        return form.tail.head
    return None


def assignment_place(form: Any) -> int:
    """Where = or := stands in (a b = 1 2); -1 if nowhere."""
    for index, item in enumerate(iterate(form)):
        if type(item) is Symbol and (item.name == "=" or item.name == ":="):
            return index
    return -1


def arguments_of(form: Any) -> list[Any]:
    """Return the items of a proper list behind its head."""
    return list(iterate(form.tail))


def is_mark(form: Any, sign: str) -> bool:
    return type(form) is Mark and form.sign == sign


__all__ = [
    "Mark", "Pair", "Symbol", "Vector", "arguments_of", "as_data", "assignment_place", "head_name", "is_list", "is_mark", "iterate",
    "make_list", "placed", "quoted_symbol",
]  # fmt: skip
