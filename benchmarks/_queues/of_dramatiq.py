"""An empty task of dramatiq, with its Redis broker."""

import os
import sys

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks._queues import WORKERS

broker = RedisBroker(url=os.environ["REDIS_URL"])
dramatiq.set_broker(broker)
COMMANDS = [[sys.executable, "-m", "dramatiq", __name__, "--processes", str(WORKERS)]]


@dramatiq.actor
def nothing() -> None:
    pass


def send(count: int) -> None:
    for _ in range(count):
        nothing.send()


def left() -> int:
    """Messages that are not acknowledged."""
    return int(broker.client.hlen("dramatiq:default.msgs"))
