"""`python -m benchmarks`: what is measured when a part is missing, and what becomes of earlier figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

import benchmarks
from benchmarks import tengo, zygomys
from benchmarks.__main__ import main
from goby_site.paths import BASE_DIR, var_dir

FIGURE = """
def measure():
    return [{{"figure": "{name}", "value": {value}, "unit": "ms", "peer": None, "peer_value": None, "ratio": None,
             "target": "<= 5", "holds": {value} <= 5}}]
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """`write(name, value)` makes a benchmark with one figure, `write(name, text=…)` any; there are no others."""
    monkeypatch.setattr(benchmarks, "__path__", [str(tmp_path)])
    monkeypatch.setenv("GOBY_VAR", str(tmp_path / "var"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # which would hide a change within the same second

    def make(name: str, value: int = 1, text: str = "") -> None:
        (tmp_path / f"{name}.py").write_text(text or FIGURE.format(name=name, value=value))
        sys.modules.pop(f"benchmarks.{name}", None)

    yield make
    for name in ("first", "second"):
        sys.modules.pop(f"benchmarks.{name}", None)


def values() -> dict[str, int]:
    rows = json.loads((var_dir() / "bench" / "latest.json").read_text())
    return {row["benchmark"]: row["value"] for row in rows}


def test_a_benchmark_by_name_replaces_its_own_figures_alone(write: Callable[..., None]) -> None:
    write("first", 1)
    write("second", 2)
    assert main([]) == 0
    assert values() == {"first": 1, "second": 2}
    write("first", 3)
    write("second", 4)
    assert main(["first"]) == 0
    assert list(values().items()) == [("first", 3), ("second", 2)]


def test_a_figure_is_the_repeat_with_the_median_ratio_whole_and_says_on_what_it_was_measured(
    write: Callable[..., None],
) -> None:
    write(
        "first",
        text="""
runs = iter([(40, 10), (30, 6), (90, 20)])
def measure():
    value, peer = next(runs)
    yield {"figure": "it", "value": value, "unit": "ms", "peer": "a peer", "peer_value": peer, "ratio": value / peer,
           "target": "<= 4.6 x peer", "holds": value / peer <= 4.6}
""",
    )
    assert main([]) == 0
    [row] = json.loads((var_dir() / "bench" / "latest.json").read_text())
    assert (row["value"], row["peer_value"], row["ratio"], row["spread"], row["repeats"]) == (90, 20, 4.5, "30–90", 3)
    assert "Python 3." in row["machine"]
    assert row["load"] >= 0


def test_a_missed_target_is_exit_1(write: Callable[..., None]) -> None:
    write("first", 6)
    assert main([]) == 1


def test_one_whose_part_is_missing_says_so_leaves_no_old_figure_and_the_rest_is_measured(
    write: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    write("first")
    write("second")
    assert main([]) == 0
    write("first", text="import benchmarks\ndef measure():\n    raise benchmarks.Missing('Install the part.')\n")
    write("second", 2)
    assert main([]) == 0
    assert "Left out: all figures of first. Install the part." in capsys.readouterr().err
    assert values() == {"second": 2}


def test_one_that_breaks_down_costs_no_figure_of_another_and_is_exit_1(
    write: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    write("first", text="def measure():\n    return 1 // 0\n")
    write("second", 2)
    assert main([]) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    assert "Broke down, for the reason above: first" in said
    assert values() == {"second": 2}


@pytest.mark.slow
def test_without_chromium_the_editor_is_left_out(tmp_path: Path) -> None:
    environment = {**os.environ, "GOBY_VAR": str(tmp_path / "var"), "PATH": str(tmp_path)}
    environment.pop("CHROMIUM", None)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "editor"],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Left out: all figures of editor. Chromium was not found: install the package `chromium`" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("benchmark", [tengo, zygomys])
def test_reading_a_language_is_measured_on_its_engine_of_today(benchmark: ModuleType) -> None:
    figures = benchmark.reading()
    assert figures
    assert all(figure["value"] > 0 for figure in figures)
