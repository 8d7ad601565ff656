"""Reads a conformance script's own header: the outcome that it expects, in comments (`#` or `//`) at its top."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_ERROR = re.compile(r'(\w+)(?: (-|\d+:\d+))?(?: "(.*)")?')


@dataclass(frozen=True)
class Case:
    """`# expect: JSON` or `# error: type line:column "part of the message"`; `# context: JSON`, `# log: JSON` if wanted."""

    name: str
    text: str
    expect: Any = None
    error: str = ""
    position: tuple[int, int] | None = None
    message: str = ""
    context: dict[str, Any] | None = None
    log: list[str] | None = None


def read(path: Path) -> Case:
    text = path.read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for line in text.splitlines():
        header = re.fullmatch(r"(?:#|//) (expect|error|context|log): (.*)", line)
        if header is None:
            break
        found[header[1]] = header[2]
    context = json.loads(found["context"]) if "context" in found else None
    log = json.loads(found["log"]) if "log" in found else None
    if "expect" in found:
        return Case(path.stem, text, expect=json.loads(found["expect"]), context=context, log=log)
    error = _ERROR.fullmatch(found["error"])
    assert error is not None, f"{path.name}: {found['error']}"
    position = None
    if error[2] and error[2] != "-":
        line, column = error[2].split(":")
        position = int(line), int(column)
    message = (error[3] or "").replace('\\"', '"')
    return Case(path.stem, text, error=error[1], position=position, message=message, context=context, log=log)


def cases(language: str) -> list[Case]:
    return [read(path) for path in sorted((HERE / language).glob("*.*"))]
