"""Source text and its bytes: one door for files, commands, pages and the sandbox. UTF-8, with or without a mark at its beginning."""

from __future__ import annotations

import codecs

BYTE_ORDER_MARK = "\ufeff"
_OTHERS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


class NotText(ValueError):
    """The bytes are no source text: says why, and at which line and column (1-based)."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


def decode(content: bytes) -> str:
    """The text of a source file, its mark kept, so that it stands for the same bytes. Raises NotText."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        start = error.start
    line = content.count(b"\n", 0, start) + 1
    column = len(content[content.rfind(b"\n", 0, start) + 1 : start].decode("utf-8", "replace")) + 1
    for mark, name in _OTHERS:
        if content.startswith(mark):
            raise NotText(f"the text is in {name}: save it as UTF-8", 1, 1)
    if content[start : start + 1] == b"\xed" and content[start + 1 : start + 2] >= b"\xa0":
        raise NotText("the text holds half a character (a lone surrogate): type that character anew", line, column)
    raise NotText(
        f"the text is not UTF-8: byte 0x{content[start]:02x} stands for no character; save it as UTF-8", line, column
    )


def encode(text: str) -> bytes:
    """The bytes that a text stands for, those of `read_any` restored; what decode() refuses stays to be refused."""
    for errors in ("strict", "surrogateescape"):
        try:
            return text.encode("utf-8", errors)
        except UnicodeEncodeError:
            continue
    return text.encode("utf-8", "surrogatepass")


def read_any(content: bytes) -> str:
    """The bytes as text whatever they are: goes back by encode(), so that a check can say what is wrong."""
    return content.decode("utf-8", "surrogateescape")
