"""`python -m benchmarks [NAME…]`: measures, prints a table and writes var/bench/latest.json. Exit 1 when a target is missed.

A module of this package with a function `measure() -> list[dict]` is a benchmark; each dict is one figure:
{figure, value, unit, peer, peer_value, ratio, target, holds}.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import sys
from collections.abc import Iterable
from typing import Any

import benchmarks

FIELDS = ("figure", "value", "unit", "peer", "peer_value", "ratio", "target", "holds")

Figure = dict[str, Any]


def names() -> list[str]:
    """The benchmarks there are: every module that is not private."""
    return [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.name.startswith("_")]


def measure(chosen: Iterable[str]) -> list[Figure]:
    """The figures of the chosen benchmarks, in order. Raises ValueError for a figure without one of the fields."""
    figures = []
    for name in chosen:
        module = importlib.import_module(f"benchmarks.{name}")
        if not hasattr(module, "measure"):  # a helper of the others
            continue
        print(f"Measuring {name} …", file=sys.stderr, flush=True)
        for figure in module.measure():
            if missing := [field for field in FIELDS if field not in figure]:
                raise ValueError(f"benchmarks.{name}: a figure lacks {', '.join(missing)}")
            figures.append({field: figure[field] for field in FIELDS})
    return figures


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
    """Measure, print, write. 0 when every target holds, 1 when one does not, 2 for a benchmark that there is not."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "goby_site.settings")
    if unknown := sorted(set(arguments) - set(names())):
        print(f"No such benchmark: {', '.join(unknown)}. There are: {', '.join(names())}", file=sys.stderr)
        return 2
    figures = measure(arguments or names())
    from goby_site.paths import private_dir, var_dir

    target = private_dir(var_dir() / "bench") / "latest.json"
    target.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(table(figures))
    print(f"\nWritten to {target}")
    return 0 if all(figure["holds"] is not False for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
