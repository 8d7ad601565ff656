"""Sockets: the benchmark of open pages, as promises."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import sockets
from tests.drills.catalogue import Result


def run(seconds: float) -> Iterator[Result]:
    sockets.SECONDS = seconds
    for figure in sockets.measure():
        target = f", {figure['target']}" if figure["target"] else ""
        yield Result(f"{figure['figure']}{target}", f"{figure['value']} {figure['unit']}", figure["holds"])
