"""A warm run of damage_calculator through the supervisor, beside a bare socket-pair whose other end runs the same script.

Both are asked in turn, a few runs each, all on one core: what else the machine does falls on both alike. Left alone, the kernel
wakes either on another core whenever one is idle, at three times the cost of a run, and not as often the one as the other: that
figure says more of the kernel than of us, and has no target.
"""

from __future__ import annotations

import os
import random
import socket
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from scripting.sandbox.protocol import encode_value
from scripting.supervisor.pool import PoolConfig, RunRequest, SandboxPool
from scripting.types import Bundle, SecurityLimits, Source

TARGET_RATIO = 1.25
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
    """The median warm run in microseconds, ours and the peer's: all on one core, and where the kernel puts them."""
    return [_figure(rounds, one_core=True), _figure(rounds, one_core=False)]


def _figure(rounds: int, *, one_core: bool) -> dict[str, Any]:
    before = os.sched_getaffinity(0)
    if one_core:
        os.sched_setaffinity(0, {min(before)})
    pool = SandboxPool(PoolConfig(max_sandboxes=1, runs_per_sandbox=1_000_000))
    peer = _BarePeer()
    try:
        ours, bare = _interleaved(_pool_run(pool), peer.run, rounds)
    finally:
        peer.close()
        pool.close()
        os.sched_setaffinity(0, before)
    value, peer_value = statistics.median(ours) / 1000, statistics.median(bare) / 1000
    return {
        "figure": "warm run of damage_calculator" + ("" if one_core else ", on whatever cores the kernel chooses"),
        "value": round(value, 1),
        "unit": "µs",
        "peer": "bare socket-pair running the same script",
        "peer_value": round(peer_value, 1),
        "ratio": round(value / peer_value, 2),
        "target": TARGET_RATIO if one_core else None,
        "holds": value / peer_value < TARGET_RATIO if one_core else None,
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
