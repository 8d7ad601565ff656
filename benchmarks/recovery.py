"""How soon events run again after a kill: of all workers, of Redis, of everything but the process manager.

On a stack as `make run` starts it, while events come in. "waiting" is how long ready workers had nothing in hand: the rest is
the start of processes, which a busy machine prolongs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis

from goby_site.paths import BASE_DIR, unix_url
from tests.support.stack import RunningStack, wait_until

ROUNDS = int(os.environ.get("BENCH_RECOVERY_ROUNDS", "2"))
RATE = 100
"""Events a second."""
BURST = 300
"""Events that come at once just before the kill, so that some wait and some are in hand."""
PATIENCE = 60.0
"""Seconds that anything may take."""
TOPIC = "wargame.hit"
WORKERS, REDIS, EVERYTHING = "all workers", "Redis", "everything"
TARGETS = {WORKERS: 10.0, REDIS: 1.0, EVERYTHING: 10.0}
"""Seconds until the first event runs."""


@dataclass(frozen=True)
class Recovery:
    """Seconds of one round."""

    first: float
    """From the kill (of Redis: from when it answers again) to the end of the first event that ran since."""
    backlog: float
    """To the end of the last event that had been published before."""
    ready: float
    """To the first worker that takes jobs; 0 where none was killed."""

    @property
    def waiting(self) -> float:
        return max(0.0, self.first - self.ready)


def measure() -> list[dict[str, Any]]:
    """The worst of ROUNDS, of each kind of kill."""
    figures = []
    with (
        tempfile.TemporaryDirectory(prefix="gb-") as folder,
        RunningStack(Path(folder) / "var", GOBY_DEMO="false") as stack,
    ):
        site = Site(stack)
        site.warm_up()
        print("  it runs", file=sys.stderr, flush=True)
        for what in (WORKERS, REDIS, EVERYTHING):
            rounds = [site.killed(what) for _ in range(ROUNDS)]
            for one in rounds:
                print(f"  {what}: {one}", file=sys.stderr, flush=True)
            figures += list(_figures(what, rounds))
    return figures


def _figures(what: str, rounds: list[Recovery]) -> Iterator[dict[str, Any]]:
    since = "Redis answers again" if what == REDIS else f"kill of {what}"
    first = max(one.first for one in rounds)
    shown = {
        "the first event": (first, TARGETS[what]),
        "the last event published before": (max(one.backlog for one in rounds), None),
        "the first worker takes jobs": (max(one.ready for one in rounds), None),
        "waiting of ready workers": (max(one.waiting for one in rounds), None),
    }
    for name, (value, target) in shown.items():
        yield {
            "figure": f"{since} → {name}, worst of {len(rounds)}",
            "value": round(value, 2),
            "unit": "s",
            "peer": None,
            "peer_value": None,
            "ratio": None,
            "target": None if target is None else f"<= {target}",
            "holds": None if target is None else value <= target,
        }


class Site:
    """A running stack, its events and what became of them."""

    def __init__(self, stack: RunningStack) -> None:
        self.stack = stack
        self.socket = stack.environment_socket().with_name("redis.sock")

    def warm_up(self) -> None:
        with self.events():
            time.sleep(1)
        self.drained()

    def killed(self, what: str) -> Recovery:
        """One round: kill while events come in, wait until all have run, and read the times from the record."""
        with self.events():
            time.sleep(1.5)
            victims = self.victims(what)
            lines = self.ready_lines()
            for pid in victims:
                os.kill(pid, signal.SIGKILL)
            killed = since = time.time()
            if what == REDIS:
                since = self.answers_again()
            ready = since if what == REDIS else self.ready_since(lines)
            self.ran_since(since)
            time.sleep(1)
        self.drained()
        first = self.asked("SELECT min(finished_at) FROM scripting_execution WHERE started_at > ?", since)
        last = self.asked("SELECT max(finished_at) FROM scripting_execution WHERE queued_at <= ?", killed)
        return Recovery(first - since, last - since, ready - since)

    def victims(self, what: str) -> list[int]:
        programs = {
            WORKERS: ["worker", "evidence"],
            REDIS: ["redis"],
            EVERYTHING: ["redis", "worker", "evidence", "web", "watcher", "battle"],
        }
        return [pid for program in programs[what] for pid in self.stack.pids(program)]

    def answers_again(self) -> float:
        """Wait for a Redis that answers: when it did."""
        client = redis.Redis.from_url(unix_url(self.socket))
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(redis.RedisError):
                client.ping()
                return time.time()
            time.sleep(0.005)
        raise TimeoutError("Redis did not come back")

    def ready_lines(self) -> int:
        logs = (self.stack.folder / "log").glob("worker-*.log")
        return sum(log.read_text(errors="replace").count("takes jobs") for log in logs)

    def ready_since(self, lines: int) -> float:
        wait_until(lambda: self.ready_lines() > lines, PATIENCE, "no worker came back")
        return time.time()

    def ran_since(self, moment: float) -> None:
        query = "SELECT count(*) FROM scripting_execution WHERE started_at > ?"
        wait_until(lambda: self.asked(query, moment), PATIENCE, "no event ran")

    @contextlib.contextmanager
    def events(self) -> Iterator[None]:
        """Within it events come in, RATE a second and once a burst."""
        command = [sys.executable, "-m", "benchmarks.recovery"]
        sender = subprocess.Popen(command, cwd=BASE_DIR, env=self.stack.environment, stdout=subprocess.PIPE, text=True)
        assert sender.stdout is not None
        sender.stdout.readline()
        try:
            yield
        finally:
            sender.terminate()
            sender.wait(30)
            sender.stdout.close()

    def drained(self) -> None:
        """Wait until no event waits."""
        client = redis.Redis.from_url(unix_url(self.socket), decode_responses=True)

        def is_empty() -> bool:
            return not any(client.xlen(name) for name in client.scan_iter("goby:events:*", _type="stream"))

        wait_until(is_empty, PATIENCE, "events wait still")

    def asked(self, query: str, moment: float) -> float:
        """The answer as a number: a time in seconds since 1970."""
        at = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        database = sqlite3.connect(f"file:{self.stack.folder}/goby.sqlite3?mode=ro", uri=True, timeout=30)
        with contextlib.closing(database):
            (found,) = database.execute(query, [at]).fetchone()
        if isinstance(found, str):
            return datetime.fromisoformat(found).replace(tzinfo=UTC).timestamp()
        return float(found or 0)


# -- in a process of its own ---------------------------------------------------------------------------------------------


def main() -> None:
    """Publish until SIGTERM, whatever Redis does."""
    import django

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    django.setup()
    from scripting.bus.publishing import Message, Overloaded, publish_many
    from scripting.modules.topics import topics

    example = topics.get(TOPIC).example
    number = 0
    print("begins", flush=True)
    begun = time.monotonic()
    is_burst_due = True
    while True:
        count = 5
        if is_burst_due and time.monotonic() - begun > 1.4:
            count, is_burst_due = BURST, False
        number += count
        with contextlib.suppress(redis.RedisError, Overloaded):
            publish_many(Message(TOPIC, example, key=f"game-{(number + one) % 64}") for one in range(count))
        time.sleep(count / RATE if count < BURST else 0.05)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "goby_site.settings")
    main()
