"""Prints the newest CPython on this machine that is newer than the running one and in the range of the locks, if any."""

from __future__ import annotations

import sys

from goby_site.stack.interpreter import MINORS, on_this_machine


def newest() -> str | None:
    """Of several of one version the one that was built with optimisation."""
    for minor in reversed(MINORS):
        if minor > sys.version_info[1] and (found := list(on_this_machine(minor))):
            return max(found, key=lambda one: (one.optimised, one.version)).program
    return None


if __name__ == "__main__":
    print(newest() or "")
