"""On a fresh clone one pass collects first: others of the same Python find the bytecode instead of making the same again.

pytest compiles each test file anew with its assertions rewritten, some ten seconds of computing for all of them. Python does so with the
packages, which takes as long.
"""

from __future__ import annotations

import sys
from importlib.util import cache_from_source
from pathlib import Path

SAMPLE = Path(__file__).parents[1] / "workers" / "test_worker_processes.py"
"""One of the last files to be collected."""


def is_there(sample: Path = SAMPLE) -> bool:
    """Whether this Python's bytecode of the file is there, as pytest keeps it, or none is kept."""
    if sys.dont_write_bytecode:
        return True
    names = f"{sample.stem}.{sys.implementation.cache_tag}-pytest-*.pyc"
    return any(Path(cache_from_source(str(sample))).parent.glob(names))
