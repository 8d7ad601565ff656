"""From text to tokens, with the semicolons that the end of a line stands for. One regular expression, as Go's scanner reads."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

from scripting.sandbox.policy.refusal import Refusal

KEYWORDS = frozenset(
    "break continue else for func error immutable if return export true false in undefined import".split()
)


class Token(NamedTuple):
    """`kind` is `name`, `int`, `float`, `char`, `string`, `end`, or the keyword or operator itself."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + (0 if self.text == "\n" else len(self.text))

    @property
    def shown(self) -> str:
        """As error messages name it."""
        if self.text == "\n":
            return "newline"
        return self.text if self.kind in {"name", "int", "float", "char", "string"} else f"'{self.kind}'"


class Places:
    """Where an offset of the source is: line and column for people, line and bytes for the compiler."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.starts = [0, *(match.end() for match in re.finditer("\n", source))]
        self._ascii = source.isascii()

    def line(self, offset: int) -> int:
        """The 1-based line."""
        return bisect_right(self.starts, offset) or 1

    def position(self, offset: int) -> tuple[int, int]:
        """The 1-based line and the column's offset in bytes."""
        line = self.line(offset)
        start = self.starts[line - 1]
        return line, offset - start if self._ascii else len(self.source[start:offset].encode("utf-8", "surrogatepass"))

    def refuse(
        self, message: str, start: int, end: int | None = None, *, kind: str = "invalid_syntax", hint: str = ""
    ) -> NoReturn:
        """Raise the Refusal of what is at this offset."""
        line = self.line(start)
        last = start if end is None else max(start, end)
        end_line = self.line(last)
        raise Refusal(
            kind,
            message,
            line,
            start - self.starts[line - 1] + 1,
            end_line=end_line,
            end_column=last - self.starts[end_line - 1] + 1,
            hint=hint,
        )


_TOKEN = re.compile(
    r"""
    [ \t\r]+
    | (?P<newline>\n)
    | (?P<comment>//[^\n]*|/\*.*?\*/)
    | (?P<name>[^\W\d]\w*)
    | (?P<number>0[xX][0-9A-Fa-f_]*(?:\.[0-9A-Fa-f_]*)?(?:[pP][+-]?[0-9_]*)?
        | 0[bB][01_]* | 0[oO][0-7_]*
        | (?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eEpP][+-]?[0-9_]*)?)
    | (?P<string>"(?:[^"\\\n]|\\[^\n])*"|`[^`]*`)
    | (?P<char>'(?:[^'\\\n]|\\[^\n])*')
    | (?P<operator>\.\.\.|&\^=|<<=|>>=
        | &&|\|\||\+\+|--|==|!=|<=|>=|:=|\+=|-=|\*=|/=|%=|&=|\|=|\^=|<<|>>|&\^
        | [-+*/%&|^<>=!()\[\]{},.;:?])
    """,
    re.VERBOSE | re.DOTALL,
)
_ENDS_STATEMENT = frozenset(
    "name int float char string break continue return export true false undefined ) ] } ++ --".split()
)


def scan(source: str, places: Places) -> list[Token]:
    """The tokens, the last of them `end`. Raises Refusal with the position of what is no token."""
    return list(_scan(source, places))


def _scan(source: str, places: Places) -> Iterator[Token]:
    ends = False
    position = 1 if source[:1] == "\ufeff" else 0
    length = len(source)
    match_token = _TOKEN.match
    new = tuple.__new__
    while position < length:
        match = match_token(source, position)
        if match is None:
            _refuse_character(source, position, places)
        group, start, position = match.lastgroup, position, match.end()
        if group is None:
            continue
        text = match[group]
        if group == "newline" or group == "comment":
            if ends and (group == "newline" or text[1] == "/" or "\n" in text):
                yield Token(";", "\n", start)
                ends = False
            continue
        kind = group
        if group == "name":
            if text in KEYWORDS:
                kind = text
            elif not text.isascii():
                _check_letters(text, start, places)
        elif group == "number":
            kind = _number_kind(text, start, places)
        elif group == "operator":
            kind = text
            if text == "/" and source[position : position + 1] == "*":
                places.refuse("comment not terminated", start)
        yield new(Token, (kind, text, start))
        ends = kind in _ENDS_STATEMENT
    if ends:
        yield Token(";", "\n", length)
    yield Token("end", "", length)


def _number_kind(text: str, start: int, places: Places) -> str:
    if (text[-1] in "eEpP+-" and text[:2] not in {"0x", "0X"}) or text[-1] in "pP":
        places.refuse("exponent has no digits", start + len(text))
    is_prefixed = text[:2].lower() in {"0x", "0b", "0o"}
    return "float" if "." in text or any(sign in text for sign in ("pP" if is_prefixed else "eEpP")) else "int"


def _check_letters(text: str, start: int, places: Places) -> None:
    for index, sign in enumerate(text):
        if not (sign == "_" or sign.isalpha() or sign.isdecimal()):
            places.refuse(f"illegal character {_named(sign)}", start + index)


def _refuse_character(source: str, position: int, places: Places) -> NoReturn:
    sign = source[position]
    problem = {
        '"': "string literal not terminated",
        "`": "raw string literal not terminated",
        "'": "rune literal not terminated",
        "\ufeff": "illegal byte order mark",
    }.get(sign, f"illegal character {_named(sign)}")
    places.refuse(problem, position)


def _named(sign: str) -> str:
    """As Go's %#U shows it."""
    code = f"U+{ord(sign):04X}"
    return f"{code} '{sign}'" if sign.isprintable() else code
