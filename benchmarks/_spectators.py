"""Open pages of the battle as the web process sees them: `python -m benchmarks._spectators PORT GAME COUNT REDIS_SOCKET SECONDS`.

A process of its own, so that its work does not count as the server's. Half of the sockets carry HTML, half JSON, as pages open one of each. Prints
`ready` once all are open and have their first message; after SECONDS leaves, half of them without a word, and prints one JSON document.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
import time
from typing import Any

import msgpack
import redis.asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

OPENED_AT_ONCE = 25
SEQUENCE = re.compile(r'"sequence": ?(\d+)')
"""The first is that of the message: the latest entry that it tells of."""


class Spectator:
    """One socket: when it was told of which entry."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.heard: list[tuple[int, float]] = []
        self.bytes = 0
        self.first = asyncio.Event()
        self.task = asyncio.create_task(self.listen())

    async def listen(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in self.connection:
                told = SEQUENCE.search(str(text))
                self.heard.append((int(told[1]) if told else 0, time.monotonic()))
                self.bytes += len(text)
                self.first.set()

    def lags(self, notices: list[tuple[int, float]]) -> list[float]:
        """Seconds from each notice to the first message that covers it; endless for one that nothing covered."""
        found = []
        for sequence, told in notices:
            covered = [at for seen, at in self.heard if seen >= sequence]
            found.append(max(0.0, min(covered) - told) if covered else float("inf"))
        return found


async def open_all(port: int, game: int, count: int) -> list[Spectator]:
    gate = asyncio.Semaphore(OPENED_AT_ONCE)

    async def one(number: int) -> Spectator:
        kind = "html" if number % 2 else "feed"
        async with gate:
            connection = await connect(
                f"ws://127.0.0.1:{port}/ws/wargame/{game}/{kind}/",
                origin=f"http://127.0.0.1:{port}",  # type: ignore[arg-type] # a plain string is one
                compression="deflate",
                max_size=None,
                ping_interval=None,
                open_timeout=120,
            )
            spectator = Spectator(connection)
            await asyncio.wait_for(spectator.first.wait(), 120)
        return spectator

    return await asyncio.gather(*(one(number) for number in range(count)))


async def hear_notices(socket: str, game: int, heard: list[tuple[int, float]]) -> None:
    """When each notice of the battle was in Redis."""
    client = redis.asyncio.Redis(unix_socket_path=socket)
    async with client.pubsub() as pubsub:
        await pubsub.psubscribe(f"*__group__wargame.game.{game}")
        while True:
            message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=1)
            if message is not None:
                heard.append((msgpack.unpackb(message["data"])["sequence"], time.monotonic()))


async def watch(port: int, game: int, count: int, socket: str, seconds: float) -> dict[str, Any]:
    began = time.monotonic()
    spectators = await open_all(port, game, count)
    notices: list[tuple[int, float]] = []
    listening = asyncio.create_task(hear_notices(socket, game, notices))
    opened = time.monotonic() - began
    print("ready", flush=True)
    await asyncio.sleep(seconds)
    settled = [notice for notice in notices if notice[1] < time.monotonic() - min(2.0, seconds / 3)]
    listening.cancel()
    lags = sorted(lag for spectator in spectators for lag in spectator.lags(settled))
    messages = sum(len(spectator.heard) - 1 for spectator in spectators)
    sent = sum(spectator.bytes for spectator in spectators)
    gone = []
    for number, spectator in enumerate(spectators):
        if number % 4 < 2:
            spectator.connection.transport.abort()
        else:
            gone.append(spectator.connection.close())
    await asyncio.gather(*gone, return_exceptions=True)
    return {
        "opened_seconds": opened,
        "notices": len(settled),
        "messages": messages,
        "bytes": sent,
        "lag_p50": quantile(lags, 0.5),
        "lag_p99": quantile(lags, 0.99),
    }


def quantile(ordered: list[float], part: float) -> float | None:
    """Of ascending values; None where there is none, or an endless one."""
    value = ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("inf")
    return None if value == float("inf") else value


if __name__ == "__main__":
    asked_port, asked_game, asked_count = (int(each) for each in sys.argv[1:4])
    print(json.dumps(asyncio.run(watch(asked_port, asked_game, asked_count, sys.argv[4], float(sys.argv[5])))))
