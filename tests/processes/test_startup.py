"""A web process that serves: what it has loaded is no longer walked over by the garbage collector."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.processes import child_environment

PROGRAM = """
import asyncio, gc
import goby_site.asgi
from scripting.routing import lifespan

async def main():
    told = asyncio.Queue()
    said = asyncio.Queue()
    task = asyncio.create_task(lifespan({"type": "lifespan"}, told.get, said.put))
    await told.put({"type": "lifespan.startup"})
    assert (await said.get())["type"] == "lifespan.startup.complete"
    print(gc.get_freeze_count() > 50_000, len(gc.get_objects()) < 50_000, gc.get_threshold()[0] >= 20_000)
    await told.put({"type": "lifespan.shutdown"})
    await task

asyncio.run(main())
"""


@pytest.mark.slow
def test_what_is_loaded_when_a_web_process_begins_is_left_alone_by_the_collector_which_looks_seldom() -> None:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=child_environment(), capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split()[-3:] == ["True", "True", "True"], done.stdout
