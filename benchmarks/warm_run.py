"""A warm run of damage_calculator through the supervisor, beside a bare socket-pair whose other end runs the same script, and Monty.

They are asked in turn, a few runs each, all on one core: what else the machine does falls on all alike. Left alone, the kernel
wakes either on another core whenever one is idle, at three times the cost of a run, and not as often the one as the other: that
figure says more of the kernel than of us, and has no target.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
import statistics
import time
import timeit
from collections.abc import Callable, Iterator
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import process_time_ns
from typing import Any

import msgspec

from benchmarks import leave_out
from scripting.sandbox.meter import Meter
from scripting.sandbox.protocol import encode_value
from scripting.supervisor.pool import PoolConfig, RunRequest, SandboxPool
from scripting.types import Bundle, SecurityLimits, Source

TARGET_RATIO = 1.25
SLOWEST_RATIO = 3.0
MONTY_RATIO = 0.5
BARE = "bare socket-pair running the same script"
SCRIPT = Path(__file__).parent.parent / "wargame" / "scripts" / "damage_calculator.py"
CONTEXT: dict[str, Any] = {
    "topic": "wargame.hit",
    "message": {
        "topic": "wargame.hit",
        "user_id": "",
        "payload": {
            "attacker": {"kind": "armour", "attack": 36, "range": 3},
            "target": {"kind": "infantry", "armour": 3, "terrain": "town"},
            "distance": 2,
        },
        "metadata": {"game_id": "g1"},
    },
}
_BLOCK = 20


def measure(rounds: int = 150) -> list[dict[str, Any]]:
    """Medians in microseconds, ours and the peers': all on one core, and where the kernel puts them; and what does not vary."""
    return [
        *_beside_bare(rounds),
        *_beside_bare(rounds, one_core=False),
        *_beside_monty(rounds // 3),
        *_counts(),
        _metering(),
    ]


@contextlib.contextmanager
def on_one_core(*, pin: bool = True) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    if pin:
        os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _beside_bare(rounds: int, *, one_core: bool = True) -> list[dict[str, Any]]:
    with on_one_core(pin=one_core), _warm_pool() as run, contextlib.closing(_BarePeer()) as peer:
        ours, bare = _interleaved(run, peer.run, rounds)
    value, peer_value = statistics.median(ours) / 1000, statistics.median(bare) / 1000
    slowest, peer_slowest = (statistics.quantiles(times, n=100)[98] / 1000 for times in (ours, bare))
    where = "" if one_core else ", on whatever cores the kernel chooses"
    tail = f"the slowest of a hundred{where}"
    in_medians = _row(
        f"{tail}, in medians",
        slowest / value,
        "x",
        "the bare ones', in theirs",
        peer_slowest / peer_value,
        None,
    )
    if one_core:
        in_medians["target"], in_medians["holds"] = SLOWEST_RATIO, in_medians["value"] <= SLOWEST_RATIO
    return [
        _row(
            f"warm run of damage_calculator{where}", value, "µs", BARE, peer_value, TARGET_RATIO if one_core else None
        ),
        _row(tail, slowest, "µs", "the slowest of a hundred bare ones", peer_slowest, None),
        in_medians,
    ]


def _beside_monty(rounds: int) -> list[dict[str, Any]]:
    """Monty keeps the functions in a session, and is fed the rest of the text with each run; its dice are always the same."""
    try:
        from pydantic_monty import Monty
    except ImportError:
        leave_out("a warm run beside Monty's", "It comes with the bench extra: pip install pydantic-monty")
        return []
    text = (
        SCRIPT.read_text(encoding="utf-8").replace('get_context().get("message")', "message").replace("rand()", "0.5")
    )
    functions, rest = text.split("message = message", 1)
    rest = f"message = message{rest}\nresult\n"
    inputs = {"message": CONTEXT["message"]}
    with on_one_core(), _warm_pool() as run, Monty(max_processes=1) as workers, workers.checkout() as session:
        session.feed_run(functions)
        ours, monty = _interleaved(run, lambda: session.feed_run(rest, inputs=inputs), rounds)
    medians = [statistics.median(times) / 1000 for times in (ours, monty)]
    return [
        _row(
            "warm run of damage_calculator", medians[0], "µs", "the same in a session of Monty", medians[1], MONTY_RATIO
        )
    ]


def _counts() -> list[dict[str, Any]]:
    """Bytes, reads and writes, from the kernel's account of the sandbox."""
    pool = SandboxPool(PoolConfig(max_sandboxes=1))
    run, runs = _pool_run(pool), 100
    try:
        _settle(run)
        account = Path(f"/proc/{pool.stats().sandboxes[0].pid}/io")
        before = _account(account)
        for _ in range(runs):
            run()
        counted = [(after - earlier) / runs for after, earlier in zip(_account(account), before, strict=True)]
    except OSError as error:
        leave_out("bytes and system calls of a warm run", f"Only Linux counts them, and only for root: {error}")
        return []
    finally:
        pool.close()
    outcome = {"damage": 25, "base_damage": 32, "critical": False, "message": ""}
    values = len(encode_value(CONTEXT)) + len(encode_value(outcome))
    return [
        _row(
            "bytes of a warm run, there and back",
            counted[0] + counted[1],
            "bytes",
            "inputs and result alone",
            values,
            None,
        ),
        _row("reads and writes of the sandbox in a warm run", counted[2] + counted[3], "calls", "one a frame", 2, 1.0),
    ]


def _account(account: Path) -> list[int]:
    return [int(line.split()[1]) for line in account.read_text(encoding="ascii").splitlines()[:4]]


def _metering(runs: int = 20_000) -> dict[str, Any]:
    """Begin and end of a short run by its meter, beside asking the kernel for processor time and memory."""
    meter = Meter(None)
    meter.mark_idle()

    def metered() -> None:
        meter.restart()
        meter.read()

    value, peer_value = (
        timeit.repeat(ask, number=runs, repeat=5)
        for ask in (metered, lambda: (process_time_ns(), getrusage(RUSAGE_SELF)))
    )
    return _row(
        "metering of a short run", min(value) / runs * 1e6, "µs", "two system calls", min(peer_value) / runs * 1e6, None
    )


def _row(figure: str, value: float, unit: str, peer: str, peer_value: float, target: float | None) -> dict[str, Any]:
    ratio = value / peer_value
    return {
        "figure": figure,
        "value": round(value, 2),
        "unit": unit,
        "peer": peer,
        "peer_value": round(peer_value, 2),
        "ratio": round(ratio, 2),
        "target": target,
        "holds": None if target is None else ratio <= target,
    }


def _interleaved(ours: Callable[[], None], peer: Callable[[], None], rounds: int) -> tuple[list[int], list[int]]:
    times: tuple[list[int], list[int]] = ([], [])
    clock = time.perf_counter_ns
    for round_number in range(rounds):
        for kept, run in zip(times, (ours, peer), strict=True):
            run()  # the first after the other's turn pays for what the other has pushed out
            for _ in range(_BLOCK):
                started = clock()
                run()
                if round_number > 2:
                    kept.append(clock() - started)
    return times


@contextlib.contextmanager
def _warm_pool() -> Iterator[Callable[[], None]]:
    """A run of the script in a sandbox that is warm."""
    pool = SandboxPool(PoolConfig(max_sandboxes=1, runs_per_sandbox=1_000_000))
    try:
        run = _pool_run(pool)
        _settle(run)
        yield run
    finally:
        pool.close()


def _settle(run: Callable[[], None]) -> None:
    """Run until the sandbox that compiled the script has made room for one that gets the code alone."""
    for _ in range(200):
        run()


def _pool_run(pool: SandboxPool) -> Callable[[], None]:
    bundle = Bundle(Source("wargame/damage_calculator", "python", SCRIPT.read_text(encoding="utf-8")))
    request = RunRequest(encode_value(CONTEXT), 1, 1_700_000_000_000_000)
    limits = SecurityLimits()

    def run() -> None:
        outcome = pool.run(bundle, request, limits)
        assert outcome.error is None, outcome.error

    return run


class _BarePeer:
    """A forked process at the other end of a socket-pair: reads inputs, runs the compiled script, writes the result."""

    def __init__(self) -> None:
        self.socket, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            self.socket.close()
            _serve(theirs)
        theirs.close()
        self.inputs = encode_value(CONTEXT)

    def run(self) -> None:
        self.socket.send(self.inputs)
        assert self.socket.recv(1 << 16)

    def close(self) -> None:
        self.socket.close()
        os.waitpid(self.pid, 0)


def _serve(theirs: socket.socket) -> None:
    try:
        code = compile(SCRIPT.read_text(encoding="utf-8"), "script", "exec")
        decode, encode = msgspec.msgpack.Decoder().decode, msgspec.msgpack.Encoder().encode
        while True:
            inputs = theirs.recv(1 << 16)
            if not inputs:
                break
            random.seed(1)
            # What the script is promised: its variables by name, a copy of them on request, and the recorded seed.
            namespace = {"get_context": lambda inputs=inputs: decode(inputs), "rand": random.random, **decode(inputs)}
            exec(code, namespace)
            theirs.send(encode(namespace["result"]))
    finally:
        os._exit(0)


if __name__ == "__main__":
    for figure in measure():
        print(figure)
