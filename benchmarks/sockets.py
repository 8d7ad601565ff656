"""The cost of open pages: BENCH_SOCKETS (500) sockets of the battle page on one web process, beside one open tree of scripts.

The battle goes on at the demo's pace.

The running stack, clients in a process of their own. Counted are the web process's CPU seconds, which hold on a busy machine too; how late a
change of the battle and a notice of a script reach the pages, from the moment they are in Redis; and what is left once all have gone.
"""

from __future__ import annotations

import asyncio
import http.cookiejar
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgpack
import redis.asyncio
from websockets.asyncio.client import connect

from goby_site.paths import BASE_DIR
from tests.support.stack import RunningStack, wait_until

SOCKETS = int(os.environ.get("BENCH_SOCKETS", "500"))
PROBES = 20
"""Sockets among them whose messages are timed, in a process that has nothing else to do: one that reads them all is late by itself."""
SECONDS = float(os.environ.get("BENCH_SOCKET_SECONDS", "20"))
PAUSE_SECONDS = 0.2
"""Between two notices of a script."""
GIVEN_UP_SECONDS = 5.0
"""After the last page has left, so long the process has to become quiet."""
CPU_TARGET, LAG_TARGET_MS, NOTICE_TARGET_MS = 50, 300, 100
TICKS = os.sysconf("SC_CLK_TCK")


def measure() -> list[dict[str, Any]]:
    """CPU of the web process, lag of battle pages, latency of notices, and what is left of all that."""
    with tempfile.TemporaryDirectory() as folder, RunningStack(Path(folder) / "var") as stack:
        redis_socket = str(stack.environment_socket().with_name("redis.sock"))
        game = wait_until(lambda: running_battle(stack), 60, "no battle begins")
        web = stack.pids("web")[0]
        cookie = session_of("designer", stack)
        before, idle = channels(redis_socket), cpu_share(web, 5)
        spent = cpu_seconds(web)
        with spectators(stack.port, game, SOCKETS - PROBES, redis_socket) as crowd:
            opening = cpu_seconds(web) - spent
            with spectators(stack.port, game, PROBES, redis_socket) as probes:
                late, share = asyncio.run(notices(stack.port, cookie, redis_socket, web))
                many, seen = (json.loads(process.communicate(timeout=SECONDS + 120)[0]) for process in (crowd, probes))
        time.sleep(GIVEN_UP_SECONDS)
        left = len(channels(redis_socket) - before)
        after = cpu_share(web, 3)
    size = many["bytes"] // max(1, many["messages"])
    print(
        f"{seen['notices']} changes, {many['messages']} messages of {size} bytes; all open after {many['opened_seconds']:.1f} s",
        file=sys.stderr,
    )
    late.sort()
    lag = {part: None if seen[f"lag_{part}"] is None else 1000 * seen[f"lag_{part}"] for part in ("p50", "p99")}
    about = f"{SOCKETS} sockets"
    return [
        figure(f"web process, to open {about}", opening, "CPU s", None),
        figure(f"web process, {about} at the demo's pace", 100 * share, "% of a core", CPU_TARGET, peer=100 * idle),
        figure(f"battle changed → page told, {about}, p50", lag["p50"], "ms", None),
        figure(f"battle changed → page told, {about}, p99", lag["p99"], "ms", LAG_TARGET_MS),
        figure(f"script's notice → open tree told beside {about}, p50", 1000 * late[len(late) // 2], "ms", None),
        figure(f"script's notice → open tree told beside {about}, slowest of {len(late)}", 1000 * late[-1], "ms", NOTICE_TARGET_MS),
        figure(f"channels still subscribed {GIVEN_UP_SECONDS:.0f} s after all have left", left, "channels", 0),
        figure("web process after all have left", 100 * after, "% of a core", None, peer=100 * idle),
    ]  # fmt: skip


def figure(
    name: str, value: float | None, unit: str, target: float | None, *, peer: float | None = None
) -> dict[str, Any]:
    return {
        "figure": name,
        "value": None if value is None else round(value, 1),
        "unit": unit,
        "peer": "the same process without pages" if peer is not None else None,
        "peer_value": None if peer is None else round(peer, 1),
        "ratio": None,
        "target": None if target is None else f"<= {target}",
        "holds": None if target is None else value is not None and value <= target,
    }


@contextmanager
def spectators(port: int, game: int, count: int, redis_socket: str) -> Iterator[subprocess.Popen[str]]:
    """A process of clients, once all its sockets are open."""
    asked = [str(value) for value in (port, game, count, redis_socket, SECONDS)]
    command = [sys.executable, "-m", "benchmarks._spectators", *asked]
    with subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline().strip() != "ready":
                raise RuntimeError("the clients could not open their sockets")
            yield process
        finally:
            process.kill()


async def notices(port: int, cookie: str, redis_socket: str, web: int) -> tuple[list[float], float]:
    """Seconds from each notice in Redis to the tree of scripts, and the web process's share of a core meanwhile."""
    client = redis.asyncio.Redis(unix_socket_path=redis_socket)
    groups = await client.pubsub_channels("*__group__scripting.notices")
    here, origin = f"ws://127.0.0.1:{port}/ws/scripts/", f"http://127.0.0.1:{port}"
    late: list[float] = []
    headers = {"Cookie": cookie}
    async with connect(here, origin=origin, additional_headers=headers, open_timeout=60) as page:  # type: ignore[arg-type]
        assert json.loads(await page.recv())["type"] == "ready"
        began, spent = time.monotonic(), cpu_seconds(web)
        while time.monotonic() - began < SECONDS - 2:
            reason = f"notice {len(late)}"
            notice = {
                "type": "scripting.notice",
                "kind": "changed",
                "module": "wargame",
                "script": "hit_simulator",
                "reason": reason,
            }
            sent = time.monotonic()
            await client.publish(groups[0], msgpack.packb(notice))
            while json.loads(await asyncio.wait_for(page.recv(), 60)).get("reason") != reason:
                pass
            late.append(time.monotonic() - sent)
            await asyncio.sleep(PAUSE_SECONDS)
        share = (cpu_seconds(web) - spent) / (time.monotonic() - began)
    await client.aclose()
    return late, share


def channels(redis_socket: str) -> set[bytes]:
    """Names of the channels that processes are subscribed to."""
    with redis.Redis(unix_socket_path=redis_socket) as client:
        return set(client.pubsub_channels())


def cpu_seconds(pid: int) -> float:
    """Processor seconds that the process has spent so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def cpu_share(pid: int, seconds: float) -> float:
    """Share of a core over the next `seconds`."""
    began, spent = time.monotonic(), cpu_seconds(pid)
    time.sleep(seconds)
    return (cpu_seconds(pid) - spent) / (time.monotonic() - began)


def running_battle(stack: RunningStack) -> int | None:
    """The battle that is shown."""
    with urllib.request.urlopen(f"{stack.url}/wargame/state/", timeout=10) as answer:
        state = json.load(answer)
    return state["game"] if state.get("status") == "running" and state["sequence"] > 3 else None


def session_of(role: str, stack: RunningStack) -> str:
    """The Cookie header of that demo login."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    address = f"{stack.url}/admin/login/"
    opener.open(address, timeout=30).close()
    token = next(cookie.value for cookie in jar if "csrf" in cookie.name)
    form = {"username": role, "password": stack.password(role), "csrfmiddlewaretoken": token, "next": "/healthz"}
    request = urllib.request.Request(address, urllib.parse.urlencode(form).encode(), {"Referer": address})
    opener.open(request, timeout=30).close()
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)
