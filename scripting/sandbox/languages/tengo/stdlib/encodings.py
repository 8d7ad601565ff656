"""The modules base64 and hex."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.tengo.runtime.shown import text_bytes
from scripting.sandbox.languages.tengo.stdlib.arguments import error, taking


def _encoder(*, url: bool, raw: bool) -> Callable[[bytes], str]:
    def encode(data: bytes) -> str:
        text = (base64.urlsafe_b64encode if url else base64.b64encode)(data).decode("ascii")
        return text.rstrip("=") if raw else text

    return encode


def _decoder(*, url: bool, raw: bool) -> Callable[[str], Any]:
    alphabet = "A-Za-z0-9_-" if url else "A-Za-z0-9+/"
    shape = re.compile(
        rf"(?:[{alphabet}]{{4}})*(?:[{alphabet}]{{3}}{'' if raw else '='}|[{alphabet}]{{2}}{'' if raw else '=='})?"
    )

    strange = re.compile(rf"[^{'' if raw else '='}{alphabet}]")

    def decode(text: str) -> Any:
        plain = text.replace("\r", "").replace("\n", "")
        match = shape.match(plain)
        assert match is not None
        if match.end() != len(plain):
            stranger = strange.search(plain)
            return error(f"illegal base64 data at input byte {stranger.start() if stranger else match.end()}")
        padded = plain + "=" * (-len(plain) % 4)
        return bytearray((base64.urlsafe_b64decode if url else base64.b64decode)(padded))

    return decode


def _unhex(text: str) -> Any:
    for sign in text:
        if sign not in "0123456789abcdefABCDEF":
            return error(f"encoding/hex: invalid byte: U+{ord(sign):04X} '{sign}'")
    if len(text) % 2:
        return error("encoding/hex: odd length hex string")
    return bytearray(binascii.unhexlify(text_bytes(text)))


BASE64 = {
    f"{'raw_' if raw else ''}{'url_' if url else ''}{verb}": taking(
        f"{'raw_' if raw else ''}{'url_' if url else ''}{verb}", kind, make(url=url, raw=raw)
    )
    for url in (False, True)
    for raw in (False, True)
    for verb, kind, make in (("encode", "bytes", _encoder), ("decode", "text", _decoder))
}
HEX = {
    "encode": taking("encode", "bytes", lambda data: bytes(data).hex()),
    "decode": taking("decode", "text", _unhex),
}
