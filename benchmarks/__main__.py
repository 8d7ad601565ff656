"""`python -m benchmarks [NAME…]`: measures, prints a table and writes var/bench/latest.json. Exit 1 when a target is missed.

A module of this package with a function `measure()` that gives dicts is a benchmark; each dict is one figure:
{figure, value, unit, peer, peer_value, ratio, target, holds}, and `point: {series, x}` for a point of a plot. A benchmark is repeated, and each
figure is that of the repeat with the median ratio. The file names the benchmark of each, when, on what and beside what load it was measured,
and keeps the figures of those that were not asked for. A benchmark whose part is missing here, or that breaks down, leaves the others alone.
`--docs` measures nothing: it writes the kept figures into docs/performance.md.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import benchmarks
from benchmarks import _machine
from goby_site.stack.redis_server import NoRedisServer

FIELDS = ("figure", "value", "unit", "peer", "peer_value", "ratio", "target", "holds")
SHOWN = ("figure", "value", "spread", *FIELDS[2:])
REPEATS = int(os.environ.get("BENCH_REPEATS", "3"))
ENOUGH_SECONDS = float("inf") if "BENCH_REPEATS" in os.environ else 100
"""A benchmark that has taken so long is not begun again, unless somebody asked for so many."""

Figure = dict[str, Any]


def names() -> list[str]:
    """The benchmarks there are: every module that is not private."""
    return [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.name.startswith("_")]


def repeats_of(name: str) -> int:
    """How often a benchmark is run: one that repeats what it measures may say that once is enough."""
    return int(min(REPEATS, getattr(importlib.import_module(f"benchmarks.{name}"), "REPEATS", REPEATS)))


def measure(name: str) -> Iterator[Figure]:
    """The figures of one run of a benchmark. Raises ValueError for a figure without one of the fields, Missing, NoRedisServer."""
    for figure in importlib.import_module(f"benchmarks.{name}").measure():
        if missing := [field for field in FIELDS if field not in figure]:
            raise ValueError(f"benchmarks.{name}: a figure lacks {', '.join(missing)}")
        yield {"benchmark": name} | {field: figure[field] for field in (*FIELDS, "point") if field in figure}


def measure_all(chosen: Iterable[str]) -> tuple[list[Figure], list[str]]:
    """The figures of the chosen benchmarks, in order, and the names of those that broke down."""
    figures, broken, interrupted = [], [], False
    for name in chosen:
        found: list[Figure] = []
        load, begun = _machine.load(), time.monotonic()
        try:
            for repeat in range(repeats_of(name)):
                if time.monotonic() - begun > ENOUGH_SECONDS:
                    break
                print(f"Measuring {name} ({repeat + 1}) …", file=sys.stderr, flush=True)
                found.extend(measure(name))  # those before a break-down stay
        except (benchmarks.Missing, NoRedisServer) as missing:
            benchmarks.leave_out(f"all figures of {name}", missing)
        except KeyboardInterrupt:
            interrupted = True
            broken.append(f"{name}, interrupted")
        except Exception:  # noqa: BLE001 - the figures of the others are not lost for it
            traceback.print_exc()
            broken.append(name)
        told = {
            "measured": datetime.now(UTC).isoformat(timespec="minutes"),
            "load": load,
            "machine": _machine.described(),
        }
        figures += [figure | told for figure in medians(found)]
        if interrupted:
            break
    return figures, broken


def medians(figures: list[Figure]) -> list[Figure]:
    """Of all repeats of a figure the one in the middle, whole: its value and its peer's are of one moment. With the spread of values."""
    repeats: dict[tuple[str, str], list[Figure]] = {}
    for figure in figures:
        repeats.setdefault((figure["figure"], str(figure["peer"])), []).append(figure)
    made = []
    for several in repeats.values():
        ordered = sorted(several, key=lambda figure: figure["value"] if figure["ratio"] is None else figure["ratio"])
        values = [figure["value"] for figure in several]
        spread = f"{cell(min(values))}–{cell(max(values))}" if len(values) > 1 else None
        made.append(ordered[len(ordered) // 2] | {"spread": spread, "repeats": len(several)})
    return made


def keep(target: Path, chosen: Iterable[str], figures: list[Figure]) -> None:
    """Put the figures in place of all that the file has of the chosen benchmarks."""
    before = json.loads(target.read_text(encoding="utf-8")) if target.exists() else []
    kept = [figure for figure in before if figure.get("benchmark") in set(names()) - set(chosen)]
    rows = sorted([*kept, *figures], key=lambda figure: names().index(figure["benchmark"]))
    target.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def cell(value: object) -> str:
    """A value for the table: numbers with four significant digits, yes and no."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "NO"
        case float():
            return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
        case int():
            return f"{value:,}"
    return str(value)


def table(figures: list[Figure]) -> str:
    """The figures as aligned columns."""
    rows = [SHOWN, *(tuple(cell(figure[field]) for field in SHOWN) for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def latest() -> Path:
    """The file of figures."""
    from goby_site.paths import private_dir, var_dir

    return private_dir(var_dir() / "bench") / "latest.json"


def main(arguments: list[str]) -> int:
    """Measure, print, write. 0 when every target holds, 1 when not or when a benchmark broke down, 2 for an unknown name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "goby_site.settings")
    if arguments == ["--docs"]:
        from benchmarks._docs import write

        return write(latest())
    if unknown := sorted(set(arguments) - set(names())):
        print(f"No such benchmark: {', '.join(unknown)}. There are: {', '.join(names())}", file=sys.stderr)
        return 2
    chosen = arguments or names()
    load = _machine.load()
    print(f"{_machine.described()}. Load {load} at the start{': others share the machine' * (load > _machine.BUSY)}.")
    figures, broken = measure_all(chosen)
    target = latest()
    keep(target, chosen, figures)
    print(table(figures))
    print(f"\nWritten to {target}")
    if broken:
        print(f"Broke down, for the reason above: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken or any(figure["holds"] is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
