"""An empty task of huey, with its Redis storage."""

import os
import sys

from huey import RedisHuey

from benchmarks._queues import WORKERS

huey = RedisHuey("bench", url=os.environ["REDIS_URL"])
COMMANDS = [
    [sys.executable, "-m", "huey.bin.huey_consumer", f"{__name__}.huey", "-k", "process", "-w", str(WORKERS), "-q"],
]


@huey.task()
def nothing() -> None:
    pass


def send(count: int) -> None:
    for _ in range(count):
        nothing()


def left() -> int:
    """Tasks that wait; the last ones may still run when none does."""
    return int(huey.pending_count())
