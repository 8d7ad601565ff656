"""Compare what scripts compute with plain CPython on the same texts: the same code with and without the policy, in turn, in processor time.

Both are compiled once and run as the sandbox's runner does, with inputs as context variables: the difference is what the guards cost.
"""

from __future__ import annotations

from typing import Any

from benchmarks._cpython import beside_cpython
from benchmarks.tengo import script_run, unit_records

TARGET_RATIO = 1.05
RECURSION = """
def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)
result = fib(20)
"""
RECORDS = """
def tally(units):
    total = 0
    lost = 0
    strongest = None
    for unit in units:
        if unit["side"] == "red" and unit["health"] > 0:
            total += unit["attack"] * 2 + unit["health"]
            if strongest is None or unit["attack"] > strongest["attack"]:
                strongest = unit
        else:
            lost += 1
    return [total, lost, strongest["id"]]
result = tally(units)
"""
STRINGS = """
def report(units):
    lines = []
    for unit in units:
        kind = unit["side"].upper()
        lines.append(kind + " " + unit["id"] + ": " + str(unit["health"]) + f" ({unit['attack']:.1f}, {unit['id']})")
    return len("\\n".join(lines).replace("RED", "red").split(","))
result = report(units)
"""
SORTING = """
def order(units):
    best = sorted(units, key=lambda unit: (-unit["attack"], unit["health"], unit["id"]))
    best.sort(key=lambda unit: unit["health"])
    return best[0]["id"]
result = order(units)
"""
DICTS = """
def count(units):
    sides = {}
    for unit in units:
        side = sides.setdefault(unit["side"], {"health": 0, "count": 0})
        side["health"] += unit["health"]
        side["count"] += 1
        side[unit["attack"]] = side.get(unit["attack"], 0) + 1
    return sides["red"]["count"]
result = count(units)
"""
OBJECTS = """
class Unit:
    def __init__(self, record):
        self.health = record["health"]
        self.attack = record["attack"]

    def hit(self, points):
        self.health = max(0, self.health - points)
        return self.health == 0

def fight(units):
    lost = 0
    for unit in [Unit(record) for record in units]:
        if unit.hit(20):
            lost += 1
    return lost
result = fight(units)
"""
PROGRAMS = {
    "recursion, fib(20)": RECURSION,
    "a loop over 20 000 records": RECORDS,
    "strings of 20 000 records": STRINGS,
    "sorting 20 000 records": SORTING,
    "updates of dicts by 20 000 records": DICTS,
    "objects of 20 000 records": OBJECTS,
}


def measure(rounds: int = 25) -> list[dict[str, Any]]:
    """Milliseconds of processor time of the quickest run, ours and plain CPython's."""
    return [_figure(name, text, rounds) for name, text in PROGRAMS.items()]


def _figure(name: str, text: str, rounds: int) -> dict[str, Any]:
    inputs = {"units": unit_records(20_000)}
    plain = compile(text, "peer", "exec")

    def peer() -> Any:
        namespace: dict[str, Any] = dict(inputs)
        exec(plain, namespace)
        return namespace["result"]

    return beside_cpython(f"Python: {name}", script_run("python", text, inputs), peer, rounds, TARGET_RATIO)


if __name__ == "__main__":
    for figure in measure():
        print(figure)
