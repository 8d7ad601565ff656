"""The data of the stack's own Redis: an end that a power cut has torn is cut off and kept beside it, before Redis starts.

Redis itself takes half a command at the end, but no bytes that are none, such as the zeros of a block never written.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from goby_site.stack.redis_server import DATA_FOLDER

# What both Redis and Valkey turn into when called so: a checker of append-only files.
CHECKER = "redis-check-aof"


class CutOff(NamedTuple):
    """The part cut from the end of a data file, and where it is now."""

    path: Path
    kept: int
    cut: int
    aside: Path

    def __str__(self) -> str:
        return (
            f"Redis's data was damaged at its end, as by a power cut: {self.cut} of {self.kept + self.cut} bytes are no whole "
            f"command. They are in {self.aside} now; everything before them is in use."
        )


def mend(data: Path, server: Path) -> CutOff | None:
    """Cut the newest data file after its last whole command. None when it is whole or only Redis can judge it.

    No server may be running on `data`.
    """
    path = newest_file(data)
    if path is None or not path.exists() or path.stat().st_size == 0:
        return None
    kept = whole_bytes(path, server)
    size = path.stat().st_size
    if kept is None or kept >= size:
        return None
    aside = data / f"damaged-{time.strftime('%Y%m%d-%H%M%S')}-{path.name}"
    with path.open("rb+") as file, aside.open("xb") as rest:
        aside.chmod(0o600)
        file.seek(kept)
        shutil.copyfileobj(file, rest)
        rest.flush()
        os.fsync(rest.fileno())
        file.truncate(kept)
        os.fsync(file.fileno())
    return CutOff(path, kept, size - kept, aside)


def newest_file(data: Path) -> Path | None:
    """The file that Redis appends to: the last of the manifest, or the only one that Redis 6 has."""
    folder = data / DATA_FOLDER
    manifest = folder / "appendonly.aof.manifest"
    if not manifest.exists():
        single = data / "appendonly.aof"
        return single if single.exists() else None
    names = []
    for line in manifest.read_text(encoding="utf-8", errors="replace").splitlines():
        words = shlex.split(line, comments=True)
        fields = dict(zip(words[::2], words[1::2], strict=False))
        if fields.get("type") in {"b", "i"} and "file" in fields:
            names.append(fields["file"])
    return folder / names[-1] if names else None


def whole_bytes(path: Path, server: Path) -> int | None:
    """How many bytes of the file hold whole commands, by the server's own checker; None when it does not say."""
    try:
        answer = subprocess.run([CHECKER, str(path)], executable=server, capture_output=True, check=False, timeout=600)
    except (OSError, subprocess.SubprocessError):
        return None
    said = re.search(rb"AOF analyzed: .*\bok_up_to=(\d+)", answer.stdout)
    return int(said[1]) if said else None
