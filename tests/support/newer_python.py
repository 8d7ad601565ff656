"""Prints the newest CPython on this machine that is newer than the running one and in the range of the locks, if any.

A name on PATH proves nothing (version managers leave shims that fail), so each candidate is asked.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

# The newest version that the lock files are made for.
NEWEST = (3, 14)
QUESTION = "import sys, venv, ensurepip, ssl, sqlite3; print(sys.implementation.name, *sys.version_info[:3])"


def candidates() -> list[str]:
    """Programs that may be a newer Python."""
    names = [f"python3.{minor}" for minor in range(sys.version_info[1] + 1, NEWEST[1] + 1)]
    on_path = [found for name in names if (found := shutil.which(name))]
    managed = sorted(str(path) for path in Path.home().glob(".pyenv/versions/3.*/bin/python3"))
    return on_path + managed


def version(program: str) -> tuple[int, ...] | None:
    """The version that the program itself reports, or None when it does not work or lacks a part that set-up needs."""
    try:
        answer = subprocess.run([program, "-c", QUESTION], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    name, *numbers = answer.stdout.split()
    return tuple(map(int, numbers)) if name == "cpython" else None


def newest() -> str | None:
    """The best candidate that works."""
    found = [(number, program) for program in candidates() if (number := version(program))]
    fitting = [pair for pair in found if sys.version_info[:2] < pair[0][:2] <= NEWEST]
    return max(fitting, default=((), None))[1]


if __name__ == "__main__":
    print(newest() or "")
