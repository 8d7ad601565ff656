"""`python -m benchmarks --docs`: the table of the page and its plots."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from benchmarks import _docs


def test_points_become_a_plot_and_the_rest_a_table_that_marks_what_was_measured_on_a_busy_machine() -> None:
    told = {
        "measured": "2026-01-02T03:04+00:00",
        "machine": "a machine",
        "peer": None,
        "peer_value": None,
        "ratio": None,
    }
    told |= {"target": None, "holds": None, "unit": "ms", "spread": None}
    points = [
        told | {"figure": f"{x} keys", "value": x / 2, "load": 0.1, "point": {"series": "keys: <all>", "x": x}}
        for x in (1, 10, 100)
    ]
    figures = [told | {"figure": "a run", "value": 1.5, "load": 99.0}, *points]
    table = _docs.table(figures)
    assert "| a run\\* | 1.5 ms | - | - | - | - | - | - |" in table
    assert "a load of 99 on" in table
    assert "keys" not in table
    [(name, series)] = _docs.plots(figures).items()
    assert name == "keys"
    drawn = ET.fromstring(_docs.plot(series))
    assert len(drawn.findall("{http://www.w3.org/2000/svg}circle")) == 3
