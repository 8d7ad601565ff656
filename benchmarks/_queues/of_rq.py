"""An empty job of RQ: its stock worker forks a process for each."""

import os
import sys

import redis
from rq import Queue
from rq.registry import StartedJobRegistry

from benchmarks._queues import WORKERS

URL = os.environ["REDIS_URL"]
queue = Queue("empty", connection=redis.Redis.from_url(URL))
running = StartedJobRegistry(queue=queue)
COMMANDS = [[sys.executable, "-m", "rq.cli", "worker", "--quiet", "--url", URL, "empty"]] * WORKERS


def send(count: int) -> None:
    for _ in range(count):
        queue.enqueue("os.getpid")


def left() -> int:
    """Jobs that wait or run."""
    return int(queue.count) + int(running.get_job_count(cleanup=False))
