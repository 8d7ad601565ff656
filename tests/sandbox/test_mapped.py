"""Content that lies beside the memory of all sandboxes reads as its bytes, and takes none of theirs."""

from __future__ import annotations

import sys
from mmap import mmap
from pathlib import Path

import pytest

from scripting.sandbox.kernel.mapped import mapped

CONTENT = bytes(range(256)) * 8192


def own_kib() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


def descriptors() -> set[str]:
    return {each.name for each in Path("/proc/self/fd").iterdir()}


def test_it_reads_as_its_bytes() -> None:
    kept = mapped(CONTENT)
    assert kept[255:300] == CONTENT[255:300]
    assert kept[len(CONTENT) - 3 : len(CONTENT)] == b"\xfd\xfe\xff"
    assert mapped(b"")[0:0] == b""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has files without a name in memory")
def test_it_takes_no_memory_of_the_process_cannot_be_written_to_and_is_not_there_for_another_to_open() -> None:
    before, files = own_kib(), descriptors()
    kept = mapped(CONTENT)
    assert isinstance(kept, mmap)
    assert sum(kept[at] for at in range(0, len(CONTENT), 4096)) == 0
    assert own_kib() - before < 256
    with pytest.raises(TypeError):
        kept[0] = 1
    assert len(descriptors() - files) <= 1  # the interpreter's own, which each sandbox closes
