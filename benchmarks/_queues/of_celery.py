"""An empty task of Celery, with Redis as broker and no results."""

import os
import sys

import redis
from celery import Celery

from benchmarks._queues import WORKERS

URL = os.environ["REDIS_URL"]
app = Celery("bench", broker=URL.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host="))
app.conf.task_ignore_result = True
COMMANDS = [
    [
        *(
            sys.executable,
            "-m",
            "celery",
            "-A",
            __name__,
            "worker",
            "--concurrency",
            str(WORKERS),
            "--loglevel",
            "ERROR",
        ),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]
]


@app.task
def nothing() -> None:
    pass


def send(count: int) -> None:
    for _ in range(count):
        nothing.delay()


def left() -> int:
    """Messages that wait or are not acknowledged."""
    client = redis.Redis.from_url(URL)
    return int(client.llen("celery")) + int(client.hlen("unacked"))
