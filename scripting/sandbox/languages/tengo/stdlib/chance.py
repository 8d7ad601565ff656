"""The module rand: Go's names, drawing from the run's own generator, so that a run can be repeated exactly."""

from __future__ import annotations

import random
from typing import Any

from scripting.sandbox.languages.tengo.runtime.values import Failure, ImmutableMap, native
from scripting.sandbox.languages.tengo.stdlib.arguments import taking


def _members(source: Any) -> dict[str, Any]:
    """The functions over random, or over a generator of its own."""

    def intn(bound: int) -> int:
        if bound <= 0:
            raise Failure("invalid argument to intn: it must be greater than 0")
        return int(source.randrange(bound))

    def perm(length: int) -> list[int]:
        if length < 0:
            raise Failure("invalid argument to perm: it must not be negative")
        order = list(range(length))
        source.shuffle(order)
        return order

    def read(data: Any) -> int:
        if type(data) is not bytearray:
            raise Failure("rand.read fills bytes that the script has made: bytes(length)")
        data[:] = source.randbytes(len(data))
        return len(data)

    def seed(value: int) -> None:
        source.seed(value)

    def draw() -> float:
        return float(source.random())

    return {
        "int": taking("int", "", lambda: source.getrandbits(63)),
        "float": native(draw, "float"),
        "intn": taking("intn", "int", intn),
        "exp_float": taking("exp_float", "", lambda: source.expovariate(1.0)),
        "norm_float": taking("norm_float", "", lambda: source.gauss(0.0, 1.0)),
        "perm": taking("perm", "int", perm),
        "seed": taking("seed", "int", seed),
        "read": taking("read", "exact bytes", read),
    }


MEMBERS = _members(random) | {
    "rand": taking("rand", "int", lambda seed: ImmutableMap(_members(random.Random(seed)))),
}
