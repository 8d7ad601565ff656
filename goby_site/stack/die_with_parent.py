"""Runs a command that dies with its parent: `python tied.py SIGNAL COMMAND…`. The process stack starts everything through it.

Linux keeps the wish over exec. On other systems the command simply runs, and a killed manager leaves it behind.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Become the command. Exits 1 when the parent is gone already."""
    parent = os.getppid()
    if sys.platform == "linux":
        number = signal.Signals[f"SIG{arguments[0]}"]
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
            sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    # The parent may have died before the wish was made; the managers are never process 1 themselves.
    if os.getppid() != parent or parent == 1:
        sys.exit("the process that started this one is gone")
    os.execvp(arguments[1], arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
