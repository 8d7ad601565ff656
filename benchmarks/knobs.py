"""The curve of a knob: nine settings, each on the last thousand recorded decisions, beside the bare warm runs of the same events.

Runs in a process of its own, with a Redis and a SQLite database of its own.
"""

from __future__ import annotations

import json
import time
from typing import Any

from benchmarks._aside import measured_aside, set_up
from benchmarks.replay import bare, record

EVENTS = 1000
TARGET_SECONDS = 10.0


def measure() -> list[dict[str, Any]]:
    """Seconds from the question to the curve."""
    found = measured_aside("knobs")
    return [
        {
            "figure": f"curve of a knob: {found['settings']} settings, {EVENTS} decisions each",
            "value": round(found["curve"], 2),
            "unit": "s",
            "peer": "bare warm runs of the same events",
            "peer_value": round(found["bare"], 2),
            "ratio": round(found["curve"] / found["bare"], 2),
            "target": TARGET_SECONDS,
            "holds": found["curve"] <= TARGET_SECONDS,
        }
    ]


# -- in the process of its own -------------------------------------------------------------------------------------------


def main() -> None:
    set_up()
    record(EVENTS)
    settings, took = drawn()
    print(json.dumps({"settings": settings, "curve": took, "bare": bare(EVENTS, settings)}))


def drawn() -> tuple[int, float]:
    """How many settings, and seconds for all."""
    from scripting.evidence import curves
    from scripting.models import Script
    from scripting.registry import knobs

    script = Script.objects.get(module="wargame", name="damage_calculator")
    assert script.active_version is not None
    started = time.perf_counter()
    knob = knobs.knobs_of(script)[0]
    events = curves.events_of(curves.corpus_of(script))
    curve = curves.curve(script, script.active_version, knob, {}, events)
    took = time.perf_counter() - started
    if curve is None or curve["events"] != EVENTS or not curve["measures"]["critical"]["moves"]:
        raise RuntimeError(f"the curve of {knob.name} is not what it should be: {curve}")
    return len(curve["settings"]), took


if __name__ == "__main__":
    main()
