"""Tengo beside plain CPython: the same algorithms, each as its language writes it, in turn on the same core; and reading a text.

Both are compiled once and run in functions; what is timed is the run alone, in processor time, so that others on the machine count less.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks._cpython import beside_cpython
from scripting.sandbox.compiler import Compiler
from scripting.sandbox.languages.factory import EngineFactory
from scripting.sandbox.languages.tengo.parser import parse
from scripting.sandbox.protocol import Load, Text

TARGET_RATIO = 1.5
PARSE_TARGET_MS = 100.0
EXAMPLE = Path(__file__).parent.parent / "wargame" / "overrides" / "tengo" / "event_processor.tengo"

FIB = (
    """
fib := func(n) {
    if n < 2 { return n }
    return fib(n-1) + fib(n-2)
}
result := fib(20)
""",
    """
def main():
    def fib(n):
        if n < 2:
            return n
        return fib(n - 1) + fib(n - 2)
    return fib(20)
""",
)
UNITS = (
    """
total := 0
lost := 0
strongest := undefined
for unit in units {
    if unit.side == "red" && unit.health > 0 {
        total += unit.attack * 2 + unit.health
        if is_undefined(strongest) || unit.attack > strongest.attack {
            strongest = unit
        }
    } else {
        lost++
    }
}
result := [total, lost, strongest.id]
""",
    """
def main():
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
""",
)
TEXT = (
    """
text := ""
for i := 0; i < 20000; i++ {
    text += "unit " + i + ", "
}
result := len(text)
""",
    """
def main():
    text = ""
    for i in range(20000):
        text += "unit " + str(i) + ", "
    return len(text)
""",
)
ALGORITHMS = {
    "recursive fib(20)": FIB,
    "loop over 20 000 unit records": UNITS,
    "building a text of 20 000 parts": TEXT,
}


def unit_records(count: int) -> list[dict[str, Any]]:
    return [
        {"id": f"u{n}", "side": "red" if n % 3 else "blue", "health": n * 7 % 100, "attack": n % 40, "position": [n, n]}
        for n in range(count)
    ]


def measure(rounds: int = 15) -> list[dict[str, Any]]:
    """Milliseconds of processor time of the quickest run, ours and the peer's; then a text of 1 000 lines read."""
    return [algorithm("Tengo", name, *texts, rounds, TARGET_RATIO) for name, texts in ALGORITHMS.items()] + reading()


def algorithm(language: str, name: str, text: str, peer_text: str, rounds: int, target: float) -> dict[str, Any]:
    """One algorithm in a language beside the same in plain CPython."""
    inputs = {"units": unit_records(20_000)}
    ours, peer = script_run(language.lower(), text, inputs), _python_run(peer_text, inputs)
    return beside_cpython(f"{language}: {name}", ours, peer, rounds, target)


def script_run(language: str, text: str, inputs: dict[str, Any]) -> Callable[[], Any]:
    """A function that runs the text once, as the sandbox's runner does, and gives its result."""
    engines = EngineFactory()
    limits = (32 << 20, 5, 256 << 10, 20_000, 60, 1 << 20, 40, 100_000, 200, 32 << 10, 200)
    compiler = Compiler(Load(Text("bench/script", language, text.encode()), (), (), (), *limits), engines)
    program = compiler.compile()
    assert program is not None, compiler.findings
    code = program.script.code
    assert code is not None
    builtins = program.engine.builtins({}, __import__, print)

    def run() -> Any:
        namespace: dict[str, Any] = {"__builtins__": builtins, **inputs}
        exec(code, namespace)
        return namespace["result"]

    return run


def _python_run(text: str, inputs: dict[str, Any]) -> Callable[[], Any]:
    namespace = dict(inputs)
    exec(compile(text, "peer", "exec"), namespace)
    run: Callable[[], Any] = namespace["main"]
    return run


def reading() -> list[dict[str, Any]]:
    """A text of 1 000 lines: our rule for events, over and over, each time in a function of its own."""
    rule = EXAMPLE.read_text(encoding="utf-8").replace("result := ", "outcome := ").replace("result = ", "outcome = ")
    body = "rule_{n} := func() {{\n{rule}\n}}\n"
    count = 1000 // (rule.count("\n") + 3) + 1
    text = "".join(body.format(n=n, rule=rule) for n in range(count))
    text = "\n".join(text.split("\n")[: (rule.count("\n") + 3) * count])
    lines = text.count("\n")
    engine = EngineFactory().engine("tengo")
    reading, all_of_it = [], []
    for _ in range(7):
        started = time.process_time()
        parse(text)
        reading.append((time.process_time() - started) * 1_000_000 / lines)
        started = time.process_time()
        engine.check_bounds(text, 60)
        tree = engine.parse(text, "bench/parse")
        all_of_it.append((time.process_time() - started) * 1_000_000 / lines)
        engine.forget(tree)
    value = min(reading)
    return [
        alone("Tengo: parsing 1 000 lines", value, PARSE_TARGET_MS),
        alone("Tengo: parsing and lowering 1 000 lines", min(all_of_it), None),
    ]


def alone(figure: str, value: float, target: float | None) -> dict[str, Any]:
    return {
        "figure": figure,
        "value": round(value, 1),
        "unit": "ms",
        "peer": None,
        "peer_value": None,
        "ratio": None,
        "target": target,
        "holds": None if target is None else value < target,
    }
