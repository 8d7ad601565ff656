"""The memory that a sandbox has for itself, in pages: all others it shares with the light parent and every other sandbox."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scripting.supervisor.pool import SandboxPool
from tests.support.sandboxes import bundle_of, outcome_of, value_of

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists() or os.geteuid() != 0,
    reason="only root sees the memory of another user's process",
)
MakePool = Callable[..., SandboxPool]
TEXT = "total = 0\nfor unit in units:\n    total += unit['health']\nlog('counted')\nresult = {'total': total, 'more': [1, 2]}\n"
UNITS = {"units": [{"name": "tank", "health": 80}, {"name": "gun", "health": 20}]}


MOST_PAGES = 275
"""Some 250 on Debian's Python 3.11; each step that a sandbox makes for itself and not the light parent for all costs some more."""


def own_pages(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    own = sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Dirty:", "Private_Clean:")))
    return own * 1024 // os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="counted on Python 3.11: others lay objects otherwise")
def test_an_idle_sandbox_has_few_pages_for_itself(make_pool: MakePool) -> None:
    pool = make_pool(max_sandboxes=4, common_parent="")
    for number in range(4):
        bundle = bundle_of(f"{TEXT}# {number}\n")
        for _ in range(70):
            outcome_of(pool, bundle, UNITS)
    pages = sorted(own_pages(sandbox.pid) for sandbox in pool.stats().sandboxes)
    assert pages[1] <= MOST_PAGES, pages


def test_a_sandbox_takes_no_more_memory_for_eight_hundred_runs_than_for_thirty(make_pool: MakePool) -> None:
    """Each write to a class has the interpreter forget what it knows of it, and find it again in another page: 88 pages in 800 runs."""
    pool = make_pool(max_sandboxes=1, common_parent="")
    compiled = bundle_of(TEXT)
    for _ in range(
        100
    ):  # so many that the one which compiled has made room for one which got the code, and that is warm
        assert value_of(outcome_of(pool, compiled, UNITS))["total"] == 100
    (sandbox,) = pool.stats().sandboxes
    before = own_pages(sandbox.pid)
    for _ in range(800):
        outcome_of(pool, compiled, UNITS)
    (after,) = pool.stats().sandboxes
    assert after.pid == sandbox.pid
    assert own_pages(sandbox.pid) - before <= 20
