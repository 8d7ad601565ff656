"""On a fresh clone one test process collects first: the others find the test files' bytecode instead of making the same again.

pytest compiles each test file anew with its assertions rewritten, some ten seconds of computing for all of them. Python does so with the
packages, which takes as long.
"""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

SAMPLE = Path(__file__).parents[1] / "workers" / "test_worker_processes.py"
"""One of the last files to be collected."""


def is_there(sample: Path = SAMPLE) -> bool:
    """Whether this Python's bytecode of the file is there, as pytest keeps it, or none is kept."""
    if sys.dont_write_bytecode:
        return True
    names = f"{sample.stem}.{sys.implementation.cache_tag}-pytest-*.pyc"
    return any(Path(cache_from_source(str(sample))).parent.glob(names))


@contextmanager
def made_once(config: pytest.Config) -> Iterator[None]:
    """Wait, in a process of xdist, for the one that collects first; go on at once where nothing is gained by that."""
    from tests.support.migrated import shared_folder

    if not hasattr(config, "workerinput") or is_there():
        yield
        return
    done = shared_folder() / "collected"
    with (shared_folder() / "collected.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            yield
            done.touch()
            return
    yield
