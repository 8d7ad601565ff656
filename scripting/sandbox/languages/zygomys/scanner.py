"""From text to tokens, as the original's lexer reads runes. One regular expression finds each piece; the rules for words are below.

Where the original loses the last word of a text that ends without a new line, this one keeps it.
"""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from scripting.sandbox.languages.tengo.scanner import Places

__all__ = ["Places", "Token", "scan"]


class Token(NamedTuple):
    """`kind` is a bracket, a prefix (% ^ ~ ~@), a mark (, ; :), or what the word stands for."""

    kind: str
    text: str
    start: int
    end: int


_PIECE = re.compile(
    r"""[ \t\r\n]*(?:
      (?P<comment>//[^\n]*|/\*.*?\*/)
    | (?P<bracket>[()\[\]{}])
    | (?P<word>[^ \t\r\n()\[\]{}+\-*<>=!&|/`"';,:%^~]+)
    | (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<raw>`[^`]*`)
    | (?P<char>'(?:[^'\\]|\\.)*')
    | (?P<operator>\+\+|--|\+=|-=|\*=|/=|\*\*|==|:=|!=|<=|>=|<-|->|<!|&&|\|\||[+\-*<>=!&|]|/(?!\*))
    | (?P<colon>:)
    | (?P<mark>[,;])
    | (?P<prefix>%|\^|~@|~)
    )""",
    re.VERBOSE | re.DOTALL,
)
_REST = re.compile(r"[^ \t\r\n()\[\]{}+\-*<>=!&|/`\"';,:%^~]*")
_DIGITS = re.compile(r"[+-][^ \t\r\n()\[\]{}+\-*<>=!&|/`\"';,:%^~]*")
_WORD_ENDS = frozenset(["", *" \t\r\n()[]{},;"])
_SIGNED = re.compile(r"-[0-9]")
_AFTER_START = frozenset(" \t\n\r([{,;:+-*/<>=!&|")
"""Characters allowed before the sign of a number."""
_EXPONENT = re.compile(r"-?[0-9][_0-9]*[eE]|-?(?:[0-9]+[0-9_]*\.[0-9_]*|\.[0-9]+[0-9_]*)[eE]")
_BOUND = re.compile(r"-?[0-9][_0-9]*\Z")
_UINT64 = re.compile(r"(?:0x|0o)?[0-9a-fA-F]+ULL\Z")
_DECIMAL = re.compile(r"-?[0-9][_0-9]*\Z")
_BASED = re.compile(r"0(?:x[0-9a-fA-F]+|o[0-7]+|b[01]+)\Z")
_FLOAT = re.compile(
    r"-?[0-9]+[0-9_]*\.[0-9_]*\Z|-?\.[0-9]+[0-9_]*\Z|-?[0-9]+[0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+[0-9_]*\Z"
)
_INF = re.compile(r"[-+]?[Ii]nf\Z")
_PART = r"[^'#:;\\~@\[\]{}\^|\"()%.0-9,][^'#:;\\~@\[\]{}\^|\"()%.,*+\-]*"
_DOTTED = re.compile(rf"\.\Z|(?:\.{_PART})+\Z|{_PART}(?:\.{_PART})+\Z")
_SYMBOL = re.compile(r"[#?]?[^#?':;\\~@\[\]{}\^|\"()%0-9,&][^'#:;\\~@\[\]{}\^|\"()%,&*\-]*\Z")
_ESCAPES = {"n": "\n", "r": "\r", "a": "\a", "t": "\t", "\\": "\\", '"': '"', "'": "'", "#": "#"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_WORDS = {"&&": "and", "||": "or"}


def scan(source: str, places: Places) -> list[Token]:
    """The tokens; comments are left out. Raises Refusal with the position of what is no token."""
    return _Scanner(source, places).tokens()


class _Scanner:
    def __init__(self, source: str, places: Places) -> None:
        self.source = source
        self.places = places
        self.out: list[Token] = []
        self.kinds: dict[str, str] = {}
        """Classify the words of the text."""

    def tokens(self) -> list[Token]:
        source, out = self.source, self.out
        position = 1 if source[:1] == "\ufeff" else 0
        match_piece = _PIECE.match
        new = tuple.__new__
        length = len(source.rstrip(" \t\r\n"))
        while position < length:
            match = match_piece(source, position)
            if match is None:
                self._unreadable(position + len(source[position:]) - len(source[position:].lstrip(" \t\r\n")))
            kind = match.lastgroup
            position = match.end()
            if kind == "comment":
                continue
            assert kind is not None
            text = match[kind]
            start = position - len(text)
            if kind == "word":
                if source[position : position + 1] in _WORD_ENDS:
                    out.append(self._decoded(text, start, position, colon=False))
                else:
                    position = self._word(start, position)
            elif kind == "bracket" or kind == "mark" or kind == "prefix":
                out.append(new(Token, (text, text, start, position)))
            elif kind == "operator":
                if text[0] == "-" and self._is_sign(start):
                    position = self._word(start, start + 2)
                else:
                    out.append(new(Token, ("symbol", _WORDS.get(text, text), start, position)))
            elif kind == "colon":
                out.append(new(Token, (":", ":", start, position)))
            elif kind == "string":
                out.append(new(Token, ("string", self._unescaped(text[1:-1], start), start, position)))
            elif kind == "raw":
                out.append(new(Token, ("raw", text[1:-1], start, position)))
            else:
                out.append(self._char(text, start, position))
        return out

    def _is_sign(self, start: int) -> bool:
        """Whether the minus that stands here begins a number."""
        source = self.source
        return _SIGNED.match(source, start) is not None and (start == 0 or source[start - 1] in _AFTER_START)

    def _word(self, start: int, position: int) -> int:
        """A word that begins here, with the exponent of a number and the colon after it. Gives where it ends."""
        source = self.source
        more = _REST.match(source, position)
        if more is not None:
            position = more.end()
        following = source[position : position + 1]
        if following and following in "+-" and _EXPONENT.fullmatch(source, start, position):
            digits = _DIGITS.match(source, position)
            assert digits is not None
            position = digits.end()
            following = source[position : position + 1]
        if following and following in "`\"'%^~":
            self.places.refuse(f"unexpected {following} in the middle of a word", position, position + 1)
        word = source[start:position]
        if following != ":" or source[position + 1 : position + 2] == "=":
            self.out.append(self._decoded(word, start, position, colon=False))
            return position
        if _BOUND.match(word):
            self.out.append(self._decoded(word, start, position, colon=False))
            return position
        self.out.append(self._decoded(word, start, position, colon=True))
        return position + 1

    def _decoded(self, word: str, start: int, end: int, *, colon: bool) -> Token:
        kind = self.kinds.get(word)
        if kind is None:
            kind = self.kinds[word] = _kind(word)
        if kind == "symbol" and colon:
            return Token("key", word, start, end + 1)
        if kind:
            return Token(kind, word, start, end)
        self.places.refuse(f"this is no word of the language: {word[:60]}", start, end)

    def _unescaped(self, text: str, start: int) -> str:
        if "\\" not in text:
            return text

        def replace(match: re.Match[str]) -> str:
            sign = _ESCAPES.get(match[1])
            if sign is None:
                place = start + 1 + match.start()
                hint = r"there are \n \r \a \t \\ \" \' and \#; a text in backticks is taken as it is"
                self.places.refuse("invalid escape sequence", place, place + 2, hint=hint)
            return sign

        return _ESCAPE.sub(replace, text)

    def _char(self, text: str, start: int, end: int) -> Token:
        inner = self._unescaped(text[1:-1], start)
        if len(inner) != 1:
            hint = "a text stands in double quotes, a quoted name is written %name"
            self.places.refuse("a character literal holds one character", start, end, hint=hint)
        return Token("char", inner, start, end)

    def _unreadable(self, position: int) -> NoReturn:
        sign = self.source[position]
        names = {'"': "text", "`": "text in backticks", "'": "character", "/": "comment"}
        if sign in names:
            self.places.refuse(f"the {names[sign]} that begins here has no end", position, position + 1)
        self.places.refuse(f"unexpected {sign}", position, position + 1)


def _kind(word: str) -> str:
    """Classify a word; empty if it is none. The order of the questions is the original's."""
    if word == "true" or word == "false":
        return "bool"
    first = word[0]
    if "0" <= first <= "9" or first in "-.":
        if _UINT64.match(word):
            return "uint64"
        if _DECIMAL.match(word):
            return "decimal"
        if _BASED.match(word):
            return "based"
        if _FLOAT.match(word):
            return "float"
    elif _UINT64.match(word):
        return "uint64"
    if word == "NaN" or word == "nan" or _INF.match(word):
        return "float"
    if "." in word and _DOTTED.match(word):
        return "symbol"
    if _SYMBOL.match(word):
        return "symbol"
    return "\\" if word == "\\" else ""
