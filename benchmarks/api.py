"""Events over HTTP beside a whole stack: with `wait` at 500 a second, and accepted alone as fast as it goes.

A process of its own sends them over kept connections to the stack that `make run` starts, with its Redis and SQLite.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks import leave_out
from goby_site.paths import BASE_DIR

RATE = 500
SECONDS = float(os.environ.get("BENCH_API_SECONDS", "10"))
CONNECTIONS = 32
GAMES = 64
NO_GAME = 10**9
"""Games that do not exist: an outcome changes nothing, so what is measured is the way, as in benchmarks.throughput."""
TARGET_P50, TARGET_P99, TARGET_RATE = 15.0, 60.0, 1500


def measure() -> list[dict[str, Any]]:
    """Milliseconds from request to outcome at RATE, and accepted events a second; each beside `GET /healthz` likewise."""
    from tests.support.stack import RunningStack

    # No demo battle plays beside it; the workers are the stack's own two.
    with (
        tempfile.TemporaryDirectory(prefix="gb-") as folder,
        RunningStack(
            Path(folder) / "var", GOBY_DEMO="false", LOG_LEVEL="WARNING", SCRIPTING_API_RATE="10000000"
        ) as stack,
    ):
        made = _run("token", environment=stack.environment)
        sender = _run("send", stack.url, made.stdout.decode().strip(), environment=stack.environment)
    found = json.loads(sender.stdout)
    waited, health = found["waited"], found["health"]
    if waited["rate"] < 0.9 * RATE:
        leave_out("the pace of events with wait", f"{waited['rate']:.0f} of {RATE} a second were reached")
    return [
        _latency("p50", waited, health, TARGET_P50),
        _latency("p99", waited, health, TARGET_P99),
        {
            "figure": "events accepted over HTTP",
            "value": round(found["accepted"]),
            "unit": "events/s",
            "peer": "GET /healthz",
            "peer_value": round(found["health_rate"]),
            "ratio": round(found["accepted"] / found["health_rate"], 2),
            "target": f">= {TARGET_RATE}",
            "holds": found["accepted"] >= TARGET_RATE,
        },
    ]


def _run(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "benchmarks.api", *arguments]
    return subprocess.run(command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, check=True)


def _latency(name: str, waited: dict[str, float], health: dict[str, float], target: float) -> dict[str, Any]:
    return {
        "figure": f"event over HTTP to its outcome, {RATE}/s asked, {name}",
        "value": round(waited[name], 1),
        "unit": "ms",
        "peer": "GET /healthz at the same pace",
        "peer_value": round(health[name], 1),
        "ratio": round(waited[name] / health[name], 1),
        "target": f"<= {target}",
        "holds": waited[name] <= target and waited["rate"] >= 0.9 * RATE,
    }


# -- in processes of their own -------------------------------------------------------------------------------------------


def token() -> None:
    """Print the token of a machine that may publish events."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "goby_site.settings")
    import django

    django.setup()
    from datetime import timedelta

    from django.contrib.auth.models import User

    from scripting.access import tokens
    from scripting.access.tokens import Wanted

    user = User.objects.create_superuser("bench")
    wanted = Wanted("bench", user, ("events",), lifetime=timedelta(days=1))
    print(tokens.make(wanted, actor=user, reason="to measure")[1])


class Connection(asyncio.Protocol):
    """One kept connection, without asyncio's streams: what asks shares the cores with what it asks, and is to cost little."""

    def __init__(self, host: str, port: int, key: str) -> None:
        self.host, self.port = host, port
        self.head = (
            f" HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        )
        self.heard = b""
        self.answer: asyncio.Future[int] | None = None

    async def open(self) -> Connection:
        self.loop = asyncio.get_running_loop()
        self.transport, _ = await self.loop.create_connection(lambda: self, self.host, self.port)
        return self

    def data_received(self, data: bytes) -> None:
        self.heard += data
        head, found, body = self.heard.partition(b"\r\n\r\n")
        if not found or self.answer is None:
            return
        _, announced, rest = head.lower().partition(b"content-length:")
        # Without a length it comes in chunks, of which the last one is empty.
        if len(body) >= int(rest.partition(b"\r\n")[0]) if announced else body.endswith(b"0\r\n\r\n"):
            self.heard = b""
            self.answer.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(error or ConnectionResetError("the server has closed the connection"))

    async def ask(self, method: str, path: str, body: bytes = b"") -> int:
        if self.transport.is_closing():  # the server closes those that ask nothing for five seconds
            await self.open()
        self.answer = self.loop.create_future()
        self.transport.write(f"{method} {path}{self.head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return await self.answer


@functools.cache
def event(game: int) -> bytes:
    from wargame.topics import TOPICS

    topic = next(each for each in TOPICS if each.name == "wargame.hit")
    payload = topic.example | {"gameID": str(NO_GAME + game)}
    return json.dumps({"topic": topic.name, "payload": payload, "key": payload["gameID"]}).encode()


async def paced(connections: list[Connection], path: str, method: str, seconds: float, rate: float) -> dict[str, float]:
    """Ask at `rate` (0: as fast as it goes), each request when a connection is free: the rate reached, ms of p50 and p99."""
    took: list[float] = []
    begun, sent = time.perf_counter(), 0

    async def worker(connection: Connection) -> None:
        nonlocal sent
        while (now := time.perf_counter()) < begun + seconds:
            number, sent = sent, sent + 1
            due = begun + number / rate if rate else now
            if due > now:
                await asyncio.sleep(due - now)
            status = await connection.ask(method, path, event(number % GAMES) if method == "POST" else b"")
            if status not in (200, 202):
                raise RuntimeError(f"{path} answered {status}")
            took.append(time.perf_counter() - due)

    await asyncio.gather(*map(worker, connections))
    spent = time.perf_counter() - begun
    cuts = statistics.quantiles(took, n=100)
    return {"rate": len(took) / spent, "p50": 1e3 * cuts[49], "p99": 1e3 * cuts[98]}


async def send(url: str, key: str) -> None:
    where = urlsplit(url)
    assert where.hostname is not None
    assert where.port is not None
    connections = [await Connection(where.hostname, where.port, key).open() for _ in range(CONNECTIONS)]
    await paced(connections, "/api/v1/events?wait=10", "POST", 2, 100)  # compiled, connected and warm
    health = await paced(connections, "/healthz", "GET", SECONDS / 2, RATE)
    waited = await paced(connections, "/api/v1/events?wait=10", "POST", SECONDS, RATE)
    health_rate = await paced(connections, "/healthz", "GET", SECONDS / 2, 0)
    accepted = await paced(connections, "/api/v1/events", "POST", SECONDS / 2, 0)
    found = {"health": health, "waited": waited, "health_rate": health_rate["rate"], "accepted": accepted["rate"]}
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1] == "token":
        token()
    else:
        asyncio.run(send(*sys.argv[2:]))
