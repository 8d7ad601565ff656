"""The fenced blocks of a page in docs/, which tests carry out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Block:
    """`file=…` is a file to write, `after=…` lines to add behind its first, `end=…` lines to add at the end of a file, a
    console commands to run."""

    language: str
    option: str
    path: str
    text: str


def blocks_of(page: Path) -> Iterator[Block]:
    """The page's blocks in order."""
    for found in re.finditer(r"^```(\w+)(?: (\w+)=(\S+))?\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        yield Block(found[1], found[2] or "", found[3] or "", found[4])


def write_block(block: Block, project: Path) -> None:
    """Do to the project's files what a block with an option says."""
    path = project / block.path
    if block.option == "file":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
    elif block.option == "end":
        path.write_text(path.read_text() + "\n" + block.text)
    elif block.option == "after":
        anchor = block.text.splitlines(keepends=True)[0]
        before = path.read_text()
        assert before.count(anchor) == 1, f"{anchor!r} stands once in {block.path}"
        path.write_text(before.replace(anchor, block.text))
