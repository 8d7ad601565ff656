"""Infix blocks {a + b * c[1]} to forms: the original's Pratt parser, with its binding powers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from scripting.sandbox.languages.zygomys.forms import head_name, is_mark
from scripting.sandbox.languages.zygomys.runtime.values import Pair, Symbol, Vector, make_list
from scripting.sandbox.languages.zygomys.scanner import Places

_LEFT = {
    "+": 50,
    "-": 50,
    "*": 60,
    "/": 60,
    "mod": 60,
    "==": 40,
    "!=": 40,
    ">": 40,
    ">=": 40,
    "<": 40,
    "<=": 40,
    "comma": 15,
}
_RIGHT = {"**": 65, "and": 30, "or": 30}
_ASSIGN = {"=": "set", ":=": "set", "+=": "+=", "-=": "-="}
_POSTFIX = frozenset({"++", "--"})
_SELECT = 80
_MAX_DEPTH = 400


class Infix:
    """Reads one block."""

    def __init__(self, places: Places, fresh: Callable[[str], str]) -> None:
        self.places = places
        self.fresh = fresh
        """A name that nothing else has."""

    def forms(self, block: Vector) -> list[Any]:
        """Parse the block into forms."""
        return list(_Stream(self, list(block), block).statements())


class _Stream:
    def __init__(self, infix: Infix, items: list[Any], place: Any, depth: int = 0) -> None:
        self.infix = infix
        self.items = items
        self.place = place
        self.next = 0
        self.depth = depth

    @property
    def at_end(self) -> bool:
        return self.next >= len(self.items)

    def statements(self) -> Iterator[Any]:
        while not self.at_end:
            form = self._labelled_for()
            if form is None:
                form = self.expression(0)
            if not is_mark(form, ";"):
                yield form
            if self.next < len(self.items) and is_mark(self.items[self.next], ";"):
                self.next += 1

    def _refuse(self, message: str, form: Any, hint: str = "") -> Any:
        place = form if getattr(form, "start", -1) >= 0 else self.place
        self.infix.places.refuse(message, max(place.start, 0), max(place.end, 0), hint=hint)

    def _symbol(self, name: str, like: Any) -> Symbol:
        start, end = (like.start, like.end) if getattr(like, "start", -1) >= 0 else (self.place.start, self.place.end)
        return Symbol(name, start, end)

    def _call(self, name: str, like: Any, *arguments: Any) -> Pair:
        """(name argument …) at the place of `like`, as wide as its arguments."""
        head = self._symbol(name, like)
        starts = [head.start, *[item.start for item in arguments if getattr(item, "start", -1) >= 0]]
        ends = [head.end, *[item.end for item in arguments if getattr(item, "end", -1) >= 0]]
        start, end = min(starts), max(ends)
        made = None
        for item in reversed(arguments):
            made = Pair(item, made, start, end)
        return Pair(head, made, start, end)

    def _power(self, form: Any) -> int:
        if type(form) is Symbol:
            name = form.name
            if name in _LEFT:
                return _LEFT[name]
            if name in _RIGHT:
                return _RIGHT[name]
            if name in _ASSIGN or name in _POSTFIX:
                return 10
            if name == "not":
                return 70
            return _SELECT if "." in name else 0
        if type(form) is Vector:
            return _SELECT
        return 15 if is_mark(form, ",") else 0

    def expression(self, power: int) -> Any:
        if self.at_end:
            return self._refuse("an operand is missing here", self.items[-1] if self.items else self.place)
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            self._refuse("the infix expression is nested too deeply", self.place, "split it over several statements")
        token = self.items[self.next]
        self.next += 1
        left = self._prefix(token)
        while self.next < len(self.items) and power < self._power(self.items[self.next]):
            token = self.items[self.next]
            self.next += 1
            left = self._follow(left, token)
        self.depth -= 1
        return left

    def _prefix(self, token: Any) -> Any:
        if type(token) is not Symbol:
            return token
        match token.name:
            case "not":
                return self._call("not", token, self.expression(70))
            case "*":
                return self._call("*", token, self.expression(70))
            case "if":
                return self._if(token)
            case "for":
                return self._for(token, None)
            case "break" | "continue" if not token.colon:
                if not self.at_end and type(self.items[self.next]) is Symbol:
                    label = self.items[self.next]
                    self.next += 1
                    return self._call(token.name, token, label)
                return self._call(token.name, token)
        return token

    def _follow(self, left: Any, token: Any) -> Any:
        if type(token) is Vector:
            return self._call("arrayidx", token, left, self._selector(token))
        if is_mark(token, ","):
            return self._call("comma", token, left, self.expression(15))
        name = token.name
        if name in _LEFT:
            return self._call(name, token, left, self.expression(_LEFT[name]))
        if name in _RIGHT:
            return self._call(name, token, left, self.expression(_RIGHT[name] - 1))
        if name in _ASSIGN:
            return self._call(_ASSIGN[name], token, left, self.expression(9))
        if name in _POSTFIX:
            return self._call(name, token, left)
        if name == "not":
            return token
        return self._call("hashidx", token, left, token)

    def _if(self, token: Symbol) -> Any:
        test = self.expression(5)
        then = self.expression(0)
        otherwise = None
        if not self.at_end and type(self.items[self.next]) is Symbol and self.items[self.next].name == "else":
            self.next += 1
            otherwise = self.expression(0)
        return self._call("cond", token, test, then, otherwise)

    # Selectors

    def _one(self, items: list[Any], what: str) -> Any:
        """The single expression that these items are."""
        if not items:
            return None
        stream = _Stream(self.infix, items, items[0] if getattr(items[0], "start", -1) >= 0 else self.place, self.depth)
        form = stream.expression(0)
        if not stream.at_end:
            self._refuse(f"{what} must be a single expression", stream.items[stream.next])
        return form

    def _selector(self, selector: Vector) -> Vector:
        items: list[Any] = []
        for item in selector:
            if type(item) is Symbol and item.colon:
                items += [Symbol(item.name, item.start, item.end), Symbol(":", item.end, item.end + 1)]
            else:
                items.append(item)
        colons = [index for index, item in enumerate(items) if type(item) is Symbol and item.name == ":"]
        if len(colons) > 1:
            self._refuse("a slice has one colon: {a[1:3]}", selector)
        if colons:
            place = colons[0]
            low = self._one(items[:place], "the start of a slice")
            high = self._one(items[place + 1 :], "the end of a slice")
            parts = [*([low] if items[:place] else []), items[place], *([high] if items[place + 1 :] else [])]
            return Vector(parts, selector.start, selector.end)
        if len(items) > 1:
            stream = _Stream(self.infix, list(items), selector, self.depth)
            form = stream.expression(0)
            if stream.at_end:
                items = [form]
        return Vector(items, selector.start, selector.end)

    # Loops as Go writes them

    def _labelled_for(self) -> Any:
        label = self.items[self.next]
        if type(label) is not Symbol or not label.colon or self.next + 1 >= len(self.items):
            return None
        token = self.items[self.next + 1]
        if type(token) is not Symbol or token.name != "for":
            return None
        self.next += 2
        return self._for(token, label)

    def _for(self, token: Symbol, label: Symbol | None) -> Any:
        end = next((n for n in range(self.next, len(self.items)) if _is_block(self.items[n])), None)
        if end is None:
            return self._refuse("the loop has no body", token, "write for i := 0; i < n; i++ { … }")
        header, body = self.items[self.next : end], self.items[end]
        self.next = end + 1
        inner = [body] if type(body.tail) is Pair else []
        semicolons = [index for index, item in enumerate(header) if is_mark(item, ";")]
        if semicolons:
            if len(semicolons) != 2:
                return self._refuse("a loop of three parts has two semicolons", token)
            first, second = semicolons
            init = self._one(header[:first], "the start of a loop")
            test = self._one(header[first + 1 : second], "the condition of a loop") if second > first + 1 else True
            step = self._one(header[second + 1 :], "the step of a loop")
            return self._loop(token, label, [init, test, step], inner)
        names = [item.name if type(item) is Symbol else "" for item in header]
        if "range" in names:
            return self._range(token, label, header, names, inner)
        test = self._one(header, "the condition of a loop") if header else True
        return self._loop(token, label, [None, test, None], inner)

    def _loop(self, token: Symbol, label: Symbol | None, control: list[Any], body: list[Any]) -> Any:
        head = [label] if label is not None else []
        return self._call("for", token, *head, Vector(control, token.start, token.end), *body)

    def _range(self, token: Symbol, label: Symbol | None, header: list[Any], names: list[str], body: list[Any]) -> Any:
        place = names.index("range")
        operator = names[place - 1] if place else ""
        targets = [item for item in header[: place - 1] if not is_mark(item, ",")] if place else []
        shape = len(header[: max(place - 1, 0)])
        symbols = all(type(item) is Symbol for item in targets)
        if operator not in {"=", ":="} or shape not in {1, 3} or len(targets) != (shape + 1) // 2 or not symbols:
            return self._refuse("a range loop is written for k, v := range source { … }", token)
        source = self._one(header[place + 1 :], "what a loop ranges over")
        if source is None:
            return self._refuse("what should the loop range over?", token)
        head = [label] if label is not None else []
        return self._call("$range", token, *head, operator, Vector(targets, token.start, token.end), source, *body)


def _is_block(form: Any) -> bool:
    return head_name(form) == "infix" or (head_name(form) == "hash" and form.tail is None)


__all__ = ["Infix", "make_list"]
