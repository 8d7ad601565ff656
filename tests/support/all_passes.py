"""`make test`: the pass on SQLite is shown as it runs; the others run beside it and are shown once it has ended.

A test waits for processes, browsers and databases about a third of its time. With all passes at once no processor waits too.
On a fresh clone the one on PostgreSQL begins once that on SQLite, of the same Python, has compiled packages and test files.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from typing import IO

from tests.support import bytecode

MAKE = ["make", "--no-print-directory"]
LONGEST, SAME_PYTHON, NEWER = "test-sqlite", "test-postgres", "test-newer"
LOOK_SECONDS = 0.2


def main() -> int:
    """0 where every pass did. Ends after all of them, also where it is asked to end."""
    passes: list[subprocess.Popen[bytes]] = []
    is_to_end = False

    def end(number: int, _: object) -> None:
        nonlocal is_to_end
        is_to_end = True
        if number != signal.SIGINT:  # Ctrl-C reaches the passes themselves, which tidy up
            for each in passes:
                each.terminate()  # make passes it on

    signal.signal(signal.SIGTERM, end)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # not by `nohup`: it ends with its terminal
        signal.signal(signal.SIGHUP, end)
    signal.signal(signal.SIGINT, end)
    with contextlib.ExitStack() as held:
        # Each of the others takes less than half of what the longest takes: it gets a process for two cores, and all end at about the same time.
        # That one collects and runs by itself (0): one more beside it to hand out the tests would cost some ten seconds of computing.
        halved = (os.cpu_count() or 2) // 2
        fewer = os.environ | {"JOBS": str(halved if halved > 1 else 0)}
        told = [held.enter_context(tempfile.TemporaryFile()) for _ in range(2)]

        def begin(name: str, file: IO[bytes]) -> None:
            if not is_to_end:
                passes.append(subprocess.Popen([*MAKE, name], stdout=file, stderr=subprocess.STDOUT, env=fewer))

        passes.append(longest := subprocess.Popen([*MAKE, LONGEST]))
        begin(NEWER, told[0])
        while not is_to_end and not bytecode.is_there() and longest.poll() is None:
            time.sleep(LOOK_SECONDS)
        begin(SAME_PYTHON, told[1])
        longest.wait()
        for file, other in reversed([*zip(told, passes[1:], strict=False)]):
            show(file, other)
    return int(is_to_end or any(each.returncode for each in passes))


def show(told: IO[bytes], process: subprocess.Popen[bytes]) -> None:
    """Print what a process has told so far, and what it tells until its end."""
    shown = 0
    while True:
        is_over = process.poll() is not None  # before the look at what it told
        more = os.pread(told.fileno(), 1 << 20, shown)
        shown += len(more)
        sys.stdout.buffer.write(more)
        sys.stdout.flush()
        if is_over and not more:
            return
        if not more:
            time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
