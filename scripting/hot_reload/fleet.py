"""Which live processes run the active version of each script: what the database says beside what they acknowledged."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import redis
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from scripting.models import Script
from scripting.processes import members
from scripting.processes.members import Loading, Process
from scripting.registry.resolved import ResolvedScript, load

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Overview:
    """Every process that is listed, and how far the active version of every script has come."""

    processes: tuple[Process, ...]
    scripts: tuple[Loading, ...]

    @property
    def stale(self) -> list[Process]:
        return [process for process in self.processes if process.is_stale]


def overview() -> Overview:
    """All of it, with one look at the database and one at Redis. Raises redis.RedisError."""
    active = sorted(load().values(), key=str)
    present = tuple(members.everyone())
    return Overview(present, tuple(_loading(script, present) for script in active))


def loaded_by(script: Script) -> Loading | None:
    """How far its active version has come: `7 of 8 on v42, one stale since 3 s`. None if nothing runs, or Redis is away."""
    key = (script.module, script.name)
    active = load([key]).get(key)
    try:
        return _loading(active, tuple(members.everyone([str(script)]))) if active else None
    except redis.RedisError as error:
        logger.debug("who runs %s is not known: %s", script, error)
        return None


def _loading(script: ResolvedScript, present: tuple[Process, ...]) -> Loading:
    return Loading(str(script), script.active.info.number, script.active.bundle.digest, present)


class ProcessCollector(Collector):
    """The same for Prometheus: processes by kind and state, and per script how many are on its active version."""

    def collect(self) -> Iterator[Metric]:
        """Nothing while Redis is away: a gap says more than a zero."""
        listed = GaugeMetricFamily("goby_processes", "Live processes.", labels=["kind", "state"])
        loaded = GaugeMetricFamily("goby_script_loaded", "Processes by what they loaded.", labels=["script", "state"])
        active = GaugeMetricFamily("goby_script_active_version", "Number of the active version.", labels=["script"])
        try:
            seen = overview()
        except redis.RedisError as error:
            logger.warning("processes are not known: %s", error)
            return
        counted: dict[tuple[str, str], int] = {}
        for process in seen.processes:
            key = (process.kind, "stale" if process.is_stale else "live")
            counted[key] = counted.get(key, 0) + 1
        for labels, count in sorted(counted.items()):
            listed.add_metric(labels, count)
        for script in seen.scripts:
            active.add_metric([script.script], script.number)
            for state in ("current", "behind", "stale"):
                loaded.add_metric([script.script, state], len(getattr(script, state)))
        yield from (listed, loaded, active)
