"""`python -m benchmarks [NAME…]`: measures, prints a table and writes var/bench/latest.json. Exit 1 when a target is missed.

A module of this package with a function `measure() -> list[dict]` is a benchmark; each dict is one figure:
{figure, value, unit, peer, peer_value, ratio, target, holds}. The file names the benchmark of each, and keeps the figures of
those that were not asked for. A benchmark whose part is missing here, or that breaks down, leaves the others alone.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import benchmarks
from goby_site.stack.redis_server import NoRedisServer

FIELDS = ("figure", "value", "unit", "peer", "peer_value", "ratio", "target", "holds")

Figure = dict[str, Any]


def names() -> list[str]:
    """The benchmarks there are: every module that is not private."""
    return [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.name.startswith("_")]


def measure(name: str) -> list[Figure]:
    """The figures of one benchmark. Raises ValueError for a figure without one of the fields, Missing, NoRedisServer."""
    print(f"Measuring {name} …", file=sys.stderr, flush=True)
    figures = []
    for figure in importlib.import_module(f"benchmarks.{name}").measure():
        if missing := [field for field in FIELDS if field not in figure]:
            raise ValueError(f"benchmarks.{name}: a figure lacks {', '.join(missing)}")
        figures.append({"benchmark": name} | {field: figure[field] for field in FIELDS})
    return figures


def measure_all(chosen: Iterable[str]) -> tuple[list[Figure], list[str]]:
    """The figures of the chosen benchmarks, in order, and the names of those that broke down."""
    figures, broken = [], []
    for name in chosen:
        try:
            figures += measure(name)
        except (benchmarks.Missing, NoRedisServer) as missing:
            benchmarks.leave_out(f"all figures of {name}", missing)
        except Exception:  # noqa: BLE001 - the figures of the others are not lost for it
            traceback.print_exc()
            broken.append(name)
    return figures, broken


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
    rows = [FIELDS, *(tuple(cell(figure[field]) for field in FIELDS) for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def main(arguments: list[str]) -> int:
    """Measure, print, write. 0 when every target holds, 1 when not or when a benchmark broke down, 2 for an unknown name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "goby_site.settings")
    if unknown := sorted(set(arguments) - set(names())):
        print(f"No such benchmark: {', '.join(unknown)}. There are: {', '.join(names())}", file=sys.stderr)
        return 2
    chosen = arguments or names()
    figures, broken = measure_all(chosen)
    from goby_site.paths import private_dir, var_dir

    target = private_dir(var_dir() / "bench") / "latest.json"
    keep(target, chosen, figures)
    print(table(figures))
    print(f"\nWritten to {target}")
    if broken:
        print(f"Broke down, for the reason above: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken or any(figure["holds"] is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
