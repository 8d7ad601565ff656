"""The same job in RQ's simple worker, which runs it in its own process."""

import sys

from benchmarks._queues import WORKERS
from benchmarks._queues.of_rq import URL, left, send

COMMANDS = [
    [sys.executable, "-m", "rq.cli", "worker", "--quiet", "--worker-class", "rq.SimpleWorker", "--url", URL, "empty"],
] * WORKERS

__all__ = ["COMMANDS", "left", "send"]
