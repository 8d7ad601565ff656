"""Error messages of Go's JSON scanner: it goes byte by byte and names the first byte that cannot be where it is."""

from __future__ import annotations

_SPACE = b" \t\r\n"
_ESCAPES = b'bfnrt\\/"'
_HEX = b"0123456789abcdefABCDEF"
_DIGITS = b"0123456789"
_END = "unexpected end of JSON input"


class _Refused(Exception):
    """The scanner stops here; the message is what it says."""


def complaint(data: bytes) -> str:
    """Return the message for a text that is known to be no JSON."""
    try:
        _Scanner(data).scan()
    except _Refused as refused:
        return str(refused)
    return _END


class _Scanner:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def scan(self) -> None:
        """Walks without recursion: `open` holds the brackets that are not closed yet."""
        open_: list[int] = []
        expect = "value"
        while True:
            self._skip()
            if expect == "value" or expect == "value or ]":
                sign = self._peek()
                if sign in b"[{":
                    self.at += 1
                    open_.append(sign)
                    expect = "value or ]" if sign == 0x5B else "key or }"
                    continue
                if sign == 0x5D and expect == "value or ]":
                    self.at += 1
                    open_.pop()
                else:
                    self._scalar(sign)
            elif expect in {"key", "key or }"}:
                sign = self._peek()
                if sign == 0x7D and expect == "key or }":
                    self.at += 1
                    open_.pop()
                elif sign == 0x22:
                    self._string()
                    self._skip()
                    self._take(0x3A, "after object key")
                    expect = "value"
                    continue
                else:
                    self._refuse("looking for beginning of object key string")
            # a value has ended
            self._skip()
            if not open_:
                if self.at < len(self.data):
                    self._refuse("after top-level value")
                return
            in_array = open_[-1] == 0x5B
            where = "after array element" if in_array else "after object key:value pair"
            sign = self._peek()
            if sign == 0x2C:
                self.at += 1
                expect = "value" if in_array else "key"
            elif sign == (0x5D if in_array else 0x7D):
                open_.pop()
                self.at += 1
                expect = "end"
            else:
                self._refuse(where)

    def _skip(self) -> None:
        while self.at < len(self.data) and self.data[self.at] in _SPACE:
            self.at += 1

    def _peek(self) -> int:
        if self.at >= len(self.data):
            raise _Refused(_END)
        return self.data[self.at]

    def _refuse(self, where: str) -> None:
        # At its end the scanner is given a blank, to see whether what it has is whole.
        sign = self.data[self.at] if self.at < len(self.data) else 0x20
        raise _Refused(f"invalid character {_quoted(sign)} {where}")

    def _take(self, wanted: int, where: str) -> None:
        if self._peek() != wanted:
            self._refuse(where)
        self.at += 1

    def _scalar(self, sign: int) -> None:
        if sign == 0x22:
            self._string()
        elif sign in b"tfn":
            self._word({0x74: b"true", 0x66: b"false", 0x6E: b"null"}[sign])
        elif sign in b"-0123456789":
            self._number()
        else:
            self._refuse("looking for beginning of value")

    def _word(self, word: bytes) -> None:
        for sign in word:
            if self.data[self.at : self.at + 1] != bytes([sign]):
                self._refuse(f"in literal {word.decode()} (expecting '{chr(sign)}')")
            self.at += 1

    def _number(self) -> None:
        if self._sign() == 0x2D:
            self.at += 1
            self._need_digit("in numeric literal")
        if self._sign() == 0x30:
            self.at += 1
        else:
            self._digits()
        if self._sign() == 0x2E:
            self.at += 1
            self._need_digit("after decimal point in numeric literal")
            self._digits()
        if self._sign() in {0x65, 0x45}:
            self.at += 1
            if self._sign() in {0x2B, 0x2D}:
                self.at += 1
            self._need_digit("in exponent of numeric literal")
            self._digits()

    def _sign(self) -> int:
        return self.data[self.at] if self.at < len(self.data) else -1

    def _need_digit(self, where: str) -> None:
        if self._sign() < 0 or self._sign() not in _DIGITS:
            self._refuse(where)

    def _digits(self) -> None:
        while self.at < len(self.data) and self.data[self.at] in _DIGITS:
            self.at += 1

    def _string(self) -> None:
        self.at += 1
        while True:
            sign = self._peek()
            if sign < 0x20:
                self._refuse("in string literal")
            self.at += 1
            if sign == 0x22:
                return
            if sign == 0x5C:
                self._escape()

    def _escape(self) -> None:
        if self.at >= len(self.data):
            self._refuse("in string escape code")
        sign = self.data[self.at]
        if sign == 0x75:
            self.at += 1
            for _ in range(4):
                if self._sign() < 0 or self._sign() not in _HEX:
                    self._refuse("in \\u hexadecimal character escape")
                self.at += 1
            return
        if sign not in _ESCAPES:
            self._refuse("in string escape code")
        self.at += 1


_SHORT = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 0x27: "\\'", 0x5C: "\\\\"}


def _quoted(sign: int) -> str:
    """A byte as Go quotes it."""
    if sign in _SHORT:
        return f"'{_SHORT[sign]}'"
    if sign < 0x20 or sign == 0x7F:
        return f"'\\x{sign:02x}'"
    text = chr(sign)
    return f"'{text}'" if text.isprintable() and sign != 0xA0 else f"'\\u{sign:04x}'"
