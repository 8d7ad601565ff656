"""Geometry of the map: a grid of hexagons with pointed tops, odd rows shifted right by half a hex. Cells are (column, row)."""

from __future__ import annotations

import functools
import heapq
from collections.abc import Mapping, Set

Cell = tuple[int, int]

_EVEN_ROW = ((1, 0), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1))
_ODD_ROW = ((1, 0), (1, -1), (0, -1), (-1, 0), (0, 1), (1, 1))


def _cube(cell: Cell) -> tuple[int, int, int]:
    column, row = cell
    q = column - (row - (row & 1)) // 2
    return q, row, -q - row


@functools.lru_cache(maxsize=1 << 16)
def distance(a: Cell, b: Cell) -> int:
    """Hexes from one cell to the other; 0 for the same cell."""
    return max(abs(one - other) for one, other in zip(_cube(a), _cube(b), strict=True))


@functools.lru_cache(maxsize=1 << 12)
def neighbours(cell: Cell) -> tuple[Cell, ...]:
    """The six cells around this one, whether on the map or not."""
    column, row = cell
    return tuple((column + across, row + down) for across, down in (_ODD_ROW if row & 1 else _EVEN_ROW))


@functools.lru_cache(maxsize=1 << 14)
def between(a: Cell, b: Cell) -> tuple[Cell, ...]:
    """The cells that a straight line from `a` to `b` crosses, without the two ends."""
    steps = distance(a, b)
    start, end = _cube(a), _cube(b)
    cells = []
    for step in range(1, steps):
        part = step / steps
        # the nudge decides lines that run along an edge, always to the same side
        q = start[0] + (end[0] - start[0]) * part + 1e-6
        r = start[1] + (end[1] - start[1]) * part + 2e-6
        cells.append(_round(q, r))
    return tuple(cells)


def _round(q: float, r: float) -> Cell:
    s = -q - r
    whole_q, whole_r, whole_s = round(q), round(r), round(s)
    off_q, off_r, off_s = abs(whole_q - q), abs(whole_r - r), abs(whole_s - s)
    if off_q > off_r and off_q > off_s:
        whole_q = -whole_r - whole_s
    elif off_r > off_s:
        whole_r = -whole_q - whole_s
    return whole_q + (whole_r - (whole_r & 1)) // 2, whole_r


def reachable(start: Cell, movement: int, costs: Mapping[Cell, int], taken: Set[Cell] = frozenset()) -> dict[Cell, int]:
    """Cells that `movement` points reach, with the points each takes. None enters a cell without costs, or one that is taken."""
    spent = {start: 0}
    frontier = [(0, start)]
    while frontier:
        so_far, cell = heapq.heappop(frontier)
        if so_far > spent[cell]:
            continue
        for neighbour in neighbours(cell):
            step = costs.get(neighbour)
            if step is None or so_far + step > movement or neighbour in taken:
                continue
            if so_far + step < spent.get(neighbour, movement + 1):
                spent[neighbour] = so_far + step
                heapq.heappush(frontier, (so_far + step, neighbour))
    return spent
