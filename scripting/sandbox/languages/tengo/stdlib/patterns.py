"""Go's regular expressions (RE2) rewritten as Python's: what is written otherwise is translated, what RE2 refuses is refused."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass, field
from typing import NoReturn

_LAST = "\U0010ffff"
_PERL = {"d": "0-9", "s": "\\t\\n\\f\\r ", "w": "0-9A-Z_a-z"}
_NOT_PERL = {
    "D": f"\\x00-/:-{_LAST}",
    "S": f"\\x00-\\x08\\x0b\\x0e-\\x1f!-{_LAST}",
    "W": f"\\x00-/:-@\\[-\\^`{{-{_LAST}",
}
_POSIX = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": "\\x00-\\x7f", "blank": "\\t ", "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~", "punct": "!-/:-@\\[-`{-~", "space": "\\t\\n\\v\\f\\r ",
    "upper": "A-Z", "word": "0-9A-Z_a-z", "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ANCHORS = {"A": r"(?:\A)", "z": r"(?:\Z)", "b": r"(?a:\b)", "B": r"(?a:\B)"}
_CODE = re.compile(r"x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}|(0[0-7]{0,2}|[1-7][0-7]{1,2})")
_REPEAT = re.compile(r"[*+?]|\{([0-9]{1,9})(,([0-9]{1,9})?)?\}")
_GROUP = re.compile(r"\(\?(?:P?<(\w+)>|([imsU]*)(?:-([imsU]+))?([:)]))", re.ASCII)
_PROPERTY = re.compile(r"[pP](?:([A-Za-z])|\{(\^?)(\w+)\})", re.ASCII)
_POSIX_NAME = re.compile(r"\[:(\^?)(\w+):\]")
_MOST = 1000
"""Turns that a repetition may ask for."""
_ASSIGNED = (range(0x32400), range(0xE0000, 0xE0200))
"""Where characters are, but for those of private use."""


class BadPattern(ValueError):
    """The pattern is none; the text is Go's."""


@dataclass
class _Frame:
    """A group that is open: the flags inside it, and whether a group of Python's own stands in it for a change of flags."""

    flags: frozenset[str] = frozenset()
    opened: bool = False


@dataclass
class _Translator:
    pattern: str
    position: int = 0
    out: list[str] = field(default_factory=list)
    frames: list[_Frame] = field(default_factory=lambda: [_Frame()])
    repeat: str | None = None
    """The repetition just read; None after anything else."""
    has_operand: bool = False
    """Whether there is something to repeat."""

    @property
    def flags(self) -> frozenset[str]:
        return self.frames[-1].flags

    def translate(self) -> str:
        while self.position < len(self.pattern):
            self._part(self.pattern[self.position])
        if len(self.frames) > 1:
            self._refuse("missing closing )", self.pattern)
        self._close_flags()
        return "".join(self.out)

    def _refuse(self, problem: str, part: str) -> NoReturn:
        raise BadPattern(f"{problem}: `{part[:200]}`")

    def _emit(self, text: str, taken: int = 1, *, is_operand: bool = True) -> None:
        self.out.append(text)
        self.position += taken
        self.repeat, self.has_operand = None, is_operand

    def _part(self, sign: str) -> None:
        match sign:
            case "\\":
                self._escape()
            case "[":
                self._class()
            case "(":
                self._open()
            case ")":
                self._close()
            case "|":
                opened = self.frames[-1].opened
                self._emit(f")|{self._flag_group()}" if opened else "|", is_operand=False)
            case "^":
                self._emit("(?m:^)" if "m" in self.flags else r"(?:\A)")
            case "$":
                self._emit("(?m:$)" if "m" in self.flags else r"(?:\Z)")
            case ".":
                self._emit("(?s:.)" if "s" in self.flags else ".")
            case "*" | "+" | "?" | "{" if _REPEAT.match(self.pattern, self.position):
                self._repetition()
            case _:
                self._emit(re.escape(sign))

    def _repetition(self) -> None:
        match = _REPEAT.match(self.pattern, self.position)
        assert match is not None
        text, end = match[0], match.end()
        least, most = int(match[1] or 0), int(match[3] or match[1] or 0)
        if max(least, most) > _MOST or (match[3] and most < least):
            self._refuse("invalid repeat count", text)
        is_lazy = self.pattern[end : end + 1] == "?"
        end += is_lazy
        if self.repeat is not None:
            self._refuse("invalid nested repetition operator", self.repeat + self.pattern[self.position : end])
        if not self.has_operand:
            self._refuse("missing argument to repetition operator", self.pattern[self.position : end])
        self.repeat, self.position = self.pattern[self.position : end], end
        self.out.append(text + "?" * (is_lazy != ("U" in self.flags)))

    # Groups

    def _open(self) -> None:
        if not self.pattern.startswith("(?", self.position):
            self.frames.append(_Frame(self.flags))
            self._emit("(", is_operand=False)
            return
        match = _GROUP.match(self.pattern, self.position)
        if match is None:
            part = self.pattern[self.position : self.position + 3]
            self._refuse(
                "invalid or unsupported Perl syntax", part if len(part) == 3 else self.pattern[self.position :]
            )
        if match[1]:
            if not match[1].isidentifier():
                self._refuse("invalid named capture", match[0])
            self.frames.append(_Frame(self.flags))
            self._emit(f"(?P<{match[1]}>", len(match[0]), is_operand=False)
            return
        flags = (self.flags | set(match[2])) - set(match[3] or "")
        if match[4] == ":":
            self.frames.append(_Frame(flags))
            self._emit("(?i:" if "i" in flags else "(?-i:", len(match[0]), is_operand=False)
            return
        self._close_flags()
        self.frames[-1].flags, self.frames[-1].opened = flags, True
        self._emit(self._flag_group(), len(match[0]), is_operand=False)

    def _flag_group(self) -> str:
        return "(?i:" if "i" in self.flags else "(?-i:"

    def _close_flags(self) -> None:
        if self.frames[-1].opened:
            self.out.append(")")
            self.frames[-1].opened = False

    def _close(self) -> None:
        if len(self.frames) == 1:
            self._refuse("unexpected )", self.pattern)
        self._close_flags()
        self.frames.pop()
        self._emit(")")

    # Characters and their classes

    def _escape(self) -> None:
        rest = self.pattern[self.position + 1 :]
        if not rest:
            raise BadPattern("trailing backslash at end of expression: ``")
        sign = rest[0]
        if sign in _ANCHORS:
            self._emit(_ANCHORS[sign], 2)
        elif sign == "Q":
            literal, _, after = rest[1:].partition("\\E")
            taken = len(rest) - len(after) + 1
            self._emit("".join(map(re.escape, literal)), taken, is_operand=bool(literal) or self.has_operand)
        elif sign == "E":
            self.position += 2
        elif (members := self._members()) is not None:
            self.out.append(f"[{members}]")
            self.repeat, self.has_operand = None, True
        else:
            self.out.append(re.escape(self._character()))
            self.repeat, self.has_operand = None, True

    def _members(self) -> str | None:
        """Read the class that an escape stands for here; None if there is none."""
        sign = self.pattern[self.position + 1 : self.position + 2]
        members = _PERL.get(sign) or _NOT_PERL.get(sign)
        if members is not None:
            self.position += 2
            return members
        if sign in {"p", "P"} and sign:
            match = _PROPERTY.match(self.pattern, self.position + 1)
            name = (match[1] or match[3]) if match else ""
            ranges = category_ranges(name, negated=(sign == "P") != bool(match and match[2]))
            if match is None or not ranges:
                part = self.pattern[self.position : match.end() if match else self.position + 3]
                self._refuse("invalid character class range", part)
            self.position = match.end()
            return ranges
        return None

    def _character(self) -> str:
        """The character of an escape, read."""
        start = self.position
        match = _CODE.match(self.pattern, start + 1)
        if match is not None:
            code = int(match[1] or match[2], 16) if not match[3] else int(match[3], 8)
            self.position = match.end()
            if code <= ord(_LAST):
                return chr(code)
            self._refuse("invalid escape sequence", match[0])
        sign = self.pattern[start + 1 : start + 2]
        if not sign:
            raise BadPattern("trailing backslash at end of expression: ``")
        self.position += 2
        if sign in _CONTROLS:
            return _CONTROLS[sign]
        if sign.isascii() and not sign.isalnum():
            return sign
        self._refuse("invalid escape sequence", "\\" + sign)

    def _class(self) -> None:
        start = self.position
        self.position += 1
        negated = self.pattern[self.position : self.position + 1] == "^"
        self.position += negated
        members: list[str] = []
        while self.pattern[self.position : self.position + 1] != "]" or not members:
            if self.position >= len(self.pattern):
                self._refuse("missing closing ]", self.pattern[start:])
            members.append(self._member())
        self._emit(f"[{'^' if negated else ''}{''.join(members)}]")

    def _member(self) -> str:
        posix = _POSIX_NAME.match(self.pattern, self.position)
        if posix is not None:
            if posix[2] not in _POSIX:
                self._refuse("invalid character class range", posix[0])
            self.position = posix.end()
            return _complement(_POSIX[posix[2]]) if posix[1] else _POSIX[posix[2]]
        if self.pattern[self.position] == "\\":
            members = self._members()
            if members is not None:
                return members
        start = self.position
        low = self._class_character()
        after = self.pattern[self.position + 1 : self.position + 2]
        if self.pattern[self.position : self.position + 1] != "-" or after in {"]", ""}:
            return _in_class(low)
        self.position += 1
        high = self._class_character()
        if high < low:
            self._refuse("invalid character class range", self.pattern[start : self.position])
        return f"{_in_class(low)}-{_in_class(high)}"

    def _class_character(self) -> str:
        if self.pattern[self.position] == "\\":
            return self._character()
        self.position += 1
        return self.pattern[self.position - 1]


def translate(pattern: str) -> str:
    """The pattern as Python writes it. Raises BadPattern."""
    return _Translator(pattern).translate()


def _in_class(sign: str) -> str:
    return sign if sign.isalnum() else f"\\U{ord(sign):08x}"


@functools.lru_cache(maxsize=50)
def _complement(members: str) -> str:
    matches = re.compile(f"[{members}]").match
    return "".join([_in_class(chr(code)) for code in range(128) if not matches(chr(code))]) + f"\\x80-{_LAST}"


@functools.lru_cache(maxsize=50)
def category_ranges(name: str, *, negated: bool) -> str:
    """The characters of a general category of Unicode (`L`, `Lu`), or of none but it, for a class; empty if there is none."""
    if name == "Any":
        return "" if negated else f"\\x00-{_LAST}"
    runs = [run for run in _runs() if run[2].startswith(name)] if name else []
    if not runs or len(name) > 2:
        return ""
    if not negated:
        return "".join([f"\\U{low:08x}-\\U{high:08x}" for low, high, _ in runs])
    gaps = zip([-1, *[high for _, high, _ in runs]], [*[low for low, _, _ in runs], 0x110000], strict=True)
    return "".join([f"\\U{low + 1:08x}-\\U{high - 1:08x}" for low, high in gaps if low + 1 < high])


@functools.lru_cache(maxsize=1)
def _runs() -> list[tuple[int, int, str]]:
    """Characters side by side of one category: the first, the last, the category."""
    runs: list[tuple[int, int, str]] = []
    for part in _ASSIGNED:
        for code in part:
            category = unicodedata.category(chr(code))
            if runs and runs[-1][2] == category and runs[-1][1] == code - 1:
                runs[-1] = (runs[-1][0], code, category)
            else:
                runs.append((code, code, category))
    return runs
