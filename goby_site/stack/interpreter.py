"""`python3 -m goby_site.stack.interpreter`: prints the Python that the environment is made with. Standard library only.

It is the one that runs this, unless that was built without optimisation, as version managers do that compile, and another on this
machine was built with it: there scripts take two thirds of the time, and Django a sixth less.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MINORS = range(11, 15)
"""The versions 3.N that the lock files are made for."""
FULL = "--enable-optimizations"
OF_DISTRIBUTIONS = "/usr"
"""Distributions optimise what they package, though not all of their builds say so."""
QUESTION = (
    "import sys, sysconfig, venv, ensurepip, ssl, sqlite3; "
    "print(sys.implementation.name, *sys.version_info[:3]); print(sys.base_prefix); print(sysconfig.get_config_var('CONFIG_ARGS'))"
)


class Interpreter(NamedTuple):
    """A CPython that works, by its own account."""

    program: str
    version: tuple[int, ...]
    """`(3, 11, 2)`."""
    optimised: bool


def asked(program: str) -> Interpreter | None:
    """The interpreter of that name, or None: a name on PATH proves nothing, version managers leave shims that fail."""
    try:
        answer = subprocess.run([program, "-c", QUESTION], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    lines = answer.stdout.splitlines()
    if len(lines) != 3:
        return None
    about, prefix, arguments = lines
    name, *numbers = about.split()
    if name != "cpython":
        return None
    return Interpreter(program, tuple(map(int, numbers)), is_optimised(prefix, arguments))


def is_optimised(prefix: str, arguments: str | None) -> bool:
    """Whether an interpreter that is installed below `prefix` was built by running it first, `arguments` being those of its build."""
    return prefix == OF_DISTRIBUTIONS or FULL in (arguments or "")


def is_this_one_optimised() -> bool:
    return is_optimised(sys.base_prefix, sysconfig.get_config_var("CONFIG_ARGS"))


def on_this_machine(minor: int) -> Iterator[Interpreter]:
    """Those of Python 3.`minor` that work: on PATH, of the distribution, and of the version manager pyenv, which keeps its own apart."""
    name = f"python3.{minor}"
    programs = [shutil.which(name), f"{OF_DISTRIBUTIONS}/bin/{name}"]
    programs += sorted(str(path) for path in Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python3"))
    for program in dict.fromkeys(programs):
        if program and (one := asked(program)) and one.version[:2] == (3, minor):
            yield one


def chosen() -> str:
    """The program to make the environment with: of those that are as good, the nearest to the one that was asked for."""
    this, minor = sys.executable, sys.version_info[1]
    if is_this_one_optimised():
        return this
    nearest_first = sorted(MINORS, key=lambda other: abs(other - minor))
    better = (one.program for other in nearest_first for one in on_this_machine(other) if one.optimised)
    if (found := next(better, None)) is None:
        return this
    print(
        f"{this} was built without optimisation. The environment is made with {found}, where scripts take two thirds of the time; "
        f"to have the former all the same: make PYTHON={this} …",
        file=sys.stderr,
    )
    return found


if __name__ == "__main__":
    print(chosen())
