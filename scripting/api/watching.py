"""How the site fares: figures of each script, and which process runs which version."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from ninja import Query, Router, Schema

from scripting import clock
from scripting.api.access import ApiRequest, demand
from scripting.hot_reload.fleet import overview
from scripting.metrics import rollups
from scripting.models import Script
from scripting.models.tokens import Action

router = Router(tags=["watching"])

LONGEST = 90 * 24 * 60
PERCENTILES = ("p50", "p95", "p99")


class Figures(Schema):
    """The executions of one script over the range: counts by outcome, and wall time in µs."""

    script: str
    runs: int
    failures: int
    outcomes: dict[str, int]
    wall_us: dict[str, float | None]


class Member(Schema):
    """A live process and what it has acknowledged."""

    process: str
    kind: str
    host: str
    container: str
    heartbeat_age: float
    stale: bool
    loaded: dict[str, int]


class Fleet(Schema):
    """Who has loaded what."""

    processes: list[Member]
    scripts: dict[str, str]


@router.get("/stats", response=list[Figures])
def stats(request: ApiRequest, minutes: Annotated[int, Query(ge=1, le=LONGEST)] = 60) -> list[dict[str, Any]]:
    """Figures of every script that the token is for, over the last minutes."""
    demand(request, Action.READ)
    until = clock.now()
    figures = rollups.by_script(until - timedelta(minutes=minutes), until)
    scripts = {each.pk: each for each in Script.objects.filter(pk__in=figures) if request.auth.covers(str(each))}
    return [
        {
            "script": str(script),
            "runs": figures[pk].runs,
            "failures": figures[pk].failures,
            "outcomes": figures[pk].counts,
            "wall_us": dict(zip(PERCENTILES, figures[pk].durations.quantiles(0.5, 0.95, 0.99), strict=True)),
        }
        for pk, script in sorted(scripts.items(), key=lambda pair: str(pair[1]))
    ]


@router.get("/fleet", response=Fleet)
def fleet(request: ApiRequest) -> dict[str, Any]:
    """The live processes, and how far the live version of each script has come."""
    demand(request, Action.READ)
    found, covers = overview(), request.auth.covers
    return {
        "processes": [
            {
                "process": process.name,
                "kind": process.kind,
                "host": process.host,
                "container": process.container,
                "heartbeat_age": round(process.age, 3),
                "stale": process.is_stale,
                "loaded": {script: at.number for script, at in process.loaded.items() if covers(script)},
            }
            for process in found.processes
        ],
        "scripts": {each.script: str(each) for each in found.scripts if covers(each.script)},
    }
