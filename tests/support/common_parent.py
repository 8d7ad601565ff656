"""A common parent for processes of tests, as that of a stack: their sandboxes need no light parent that starts anew for each.

A light parent takes a fifth of a second of computing to start, and a thirtieth of that to be forked.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from goby_site.stack import forks
from goby_site.stack.supervisord import tied
from scripting.supervisor.light_parents import ENVIRONMENT
from tests.support.migrated import shared_folder


def address_of_the_run() -> Path:
    """Where the one listens that pools and forked processes of a test run share; who asks where none is has a light parent of its own."""
    return shared_folder() / "sandboxes.socket"


def start(address: Path) -> subprocess.Popen[bytes]:
    """One that will listen at this address until the process that calls this has ended. Linux alone."""
    environment = (f"{name}={value}" for name, value in ENVIRONMENT.items())
    alone = ("env", "-i", *environment, sys.executable, "-s", "-P", "-m", "scripting.sandbox")
    return subprocess.Popen(tied("KILL", *alone, "--listen", str(address)), stdin=subprocess.DEVNULL)


def start_for_the_run(config: pytest.Config) -> None:
    """Begin it in the process that starts first; it ends with that one."""
    address = address_of_the_run()
    if forks.POSSIBLE and not (hasattr(config, "workerinput") or config.option.collectonly or address.exists()):
        process = start(address)
        config.add_cleanup(process.wait)
        config.add_cleanup(process.kill)


@contextmanager
def common_parent(address: Path) -> Iterator[int]:
    """Within it one listens at this address: its process id."""
    from tests.support.stack import wait_until

    with start(address) as process:
        try:
            wait_until(address.exists, 100)
            yield process.pid
        finally:
            process.kill()
