"""A common parent for processes of tests, as that of a stack: their sandboxes need no light parent that starts anew for each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from goby_site.stack.supervisord import tied
from tests.support.stack import wait_until


@contextmanager
def common_parent(address: Path) -> Iterator[int]:
    """Within it one listens at this address, Linux alone: its process id."""
    alone = ("env", "-i", "PYTHONHASHSEED=0", sys.executable, "-s", "-P", "-m", "scripting.sandbox")
    command = tied("KILL", *alone, "--listen", str(address))  # a test run that is killed leaves none
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            wait_until(address.exists, 100)
            yield process.pid
        finally:
            process.kill()
