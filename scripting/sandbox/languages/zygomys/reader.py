"""From tokens to forms: lists, arrays, symbols and literals, as the original's parser makes them. Each says where it stands."""

from __future__ import annotations

from typing import Any, NoReturn

from scripting.sandbox.languages.zygomys.runtime.values import (
    Char,
    Mark,
    Pair,
    Scientific,
    Symbol,
    Uint64,
    Vector,
    Verbatim,
)
from scripting.sandbox.languages.zygomys.scanner import Places, Token, scan

_INT_MIN, _INT_MAX = -(1 << 63), (1 << 63) - 1
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_PREFIXES = {"%": "quote", "^": "syntaxQuote", "~": "unquote", "~@": "unquote-splicing"}
_BASES = {"x": 16, "o": 8, "b": 2}


def read(source: str, places: Places, tokens: list[Token] | None = None) -> list[Any]:
    """The forms of a text. Raises Refusal with the position of what cannot be read."""
    return _Reader(scan(source, places) if tokens is None else tokens, places).forms()


class _Reader:
    def __init__(self, tokens: list[Token], places: Places) -> None:
        self.tokens = tokens
        self.places = places
        self.next = 0

    def forms(self) -> list[Any]:
        found = []
        while self.next < len(self.tokens):
            found.append(self._form(None))
        return found

    def _form(self, opened: Token | None) -> Any:
        """The next form; `opened` is the innermost bracket that is open."""
        if self.next >= len(self.tokens):
            self._unclosed(opened)
        token = self.tokens[self.next]
        self.next += 1
        kind, text, start, end = token
        if kind == "symbol":
            return self._infinity(token) if text in {"+", "-"} else Symbol(text, start, end)
        if kind == "(":
            return self._list(token, ")")
        if kind == "key":
            return Symbol(text, start, end - 1, colon=True)
        if kind == "string":
            return text
        if kind == "decimal":
            return self._int(text.replace("_", ""), 10, token)
        if kind == "[":
            return self._array(token)
        if kind == "{":
            return self._braces(token)
        if kind in _PREFIXES:
            inner = self._form(opened)
            return Pair(Symbol(_PREFIXES[kind], start, end), Pair(inner, None), start, self._last_end())
        if kind == ":":
            return Symbol(":", start, end)
        if kind in {",", ";"}:
            return Mark(kind, start, end)
        if kind in {")", "]", "}"}:
            self._unopened(token, opened)
        return self._literal(token)

    def _literal(self, token: Token) -> Any:
        kind, text, start, end = token
        if kind == "bool":
            return text == "true"
        if kind == "float":
            if text in {"NaN", "nan"}:
                return float("nan")
            number = float(text.replace("_", ""))
            return Scientific(number) if "e" in text or "E" in text else number
        if kind == "raw":
            return Verbatim(text)
        if kind == "char":
            return Char(text.encode("utf-8", "surrogateescape")[0])
        if kind == "based":
            return self._int(text[2:], _BASES[text[1]], token)
        if kind == "uint64":
            return self._uint64(text[:-3], token)
        if kind == "\\":
            self.places.refuse("a backslash stands only before the last element of a list: (a \\ b)", start, end)
        raise AssertionError(kind)

    def _int(self, digits: str, base: int, token: Token) -> int:
        if len(digits) <= 66:
            number = int(digits, base)
            if _INT_MIN <= number <= _INT_MAX:
                return number
        hint = "numbers without a sign of up to 64 bits end in ULL"
        self.places.refuse("the number has more than 64 bits", token.start, token.end, hint=hint)

    def _uint64(self, digits: str, token: Token) -> Uint64:
        base = {"0x": 16, "0o": 8}.get(digits[:2], 10) if len(digits) > 2 else 10
        try:
            number = int(digits if base == 10 else digits[2:], base) if len(digits) <= 24 else 1 << 64
        except ValueError:
            self.places.refuse("these digits are no number of this base", token.start, token.end)
        if number >= 1 << 64:
            self.places.refuse("the number has more than 64 bits", token.start, token.end)
        return Uint64(number)

    def _infinity(self, sign: Token) -> Any:
        if self.next < len(self.tokens):
            following = self.tokens[self.next]
            if following.kind == "float" and following.text in {"Inf", "inf"}:
                self.next += 1
                return float(sign.text + "inf")
        return Symbol(sign.text, sign.start, sign.end)

    def _last_end(self) -> int:
        return self.tokens[self.next - 1].end

    # Brackets

    def _list(self, opened: Token, closing: str, first: Any = None) -> Any:
        items: list[Any] = [] if first is None else [first]
        tail: Any = None
        tokens, count = self.tokens, len(self.tokens)
        while True:
            if self.next >= count:
                self._unclosed(opened)
            token = tokens[self.next]
            if token.kind == closing:
                self.next += 1
                break
            if token.kind == "\\" and items and closing == ")":
                self.next += 1
                tail = self._form(opened)
                if self.next >= count:
                    self._unclosed(opened)
                if tokens[self.next].kind != ")":
                    place = tokens[self.next]
                    self.places.refuse("only one element may follow the backslash of a list", place.start, place.end)
                self.next += 1
                break
            items.append(self._form(opened))
        if not items:
            return None
        end = self._last_end()
        made = tail
        for item in reversed(items):
            made = Pair(item, made, opened.start, end)
        return made

    def _array(self, opened: Token, closing: str = "]") -> Vector:
        items: list[Any] = []
        while True:
            if self.next >= len(self.tokens):
                self._unclosed(opened)
            kind = self.tokens[self.next].kind
            if kind == closing:
                self.next += 1
                return Vector(items, opened.start, self._last_end())
            if kind == "," and closing == "]":
                self.next += 1
                continue
            items.append(self._form(opened))

    def _braces(self, opened: Token) -> Any:
        """{key: value …} is a hash, anything else is infix."""
        first = self._ahead(0)
        second = self._ahead(1)
        if first is None:
            self._unclosed(opened)
        if first.kind == "}":
            self.next += 1
            return Pair(Symbol("hash", opened.start, opened.end), None, opened.start, self._last_end())
        is_key = first.kind == "key" and not (second is not None and second.kind == "symbol" and second.text == "for")
        is_text = first.kind in {"string", "raw"} and second is not None and second.kind == ":"
        if is_key or is_text:
            return self._list(opened, "}", Symbol("hash", opened.start, opened.end))
        block = self._array(opened, "}")
        inner = Pair(block, None) if block else None
        return Pair(Symbol("infix", opened.start, opened.end), inner, block.start, block.end)

    def _ahead(self, count: int) -> Token | None:
        position = self.next + count
        return self.tokens[position] if position < len(self.tokens) else None

    def _unclosed(self, opened: Token | None) -> NoReturn:
        if opened is None:
            last = self.tokens[-1]
            self.places.refuse("something must follow this", last.start, last.end)
        hint = f"close it with {_CLOSING[opened.kind]}"
        self.places.refuse(f"the bracket {opened.kind} is never closed", opened.start, opened.end, hint=hint)

    def _unopened(self, token: Token, opened: Token | None) -> None:
        if opened is None:
            self.places.refuse(f"nothing is open that {token.kind} could close", token.start, token.end)
        line = self.places.line(opened.start)
        message = f"{token.kind} cannot close the {opened.kind} of line {line}"
        hint = f"close it with {_CLOSING[opened.kind]}"
        self.places.refuse(message, token.start, token.end, hint=hint)
