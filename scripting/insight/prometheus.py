"""The figures for Prometheus, read from the database and Redis when asked: true for the whole site, whichever process answers."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from scripting.conf import conf
from scripting.hot_reload.fleet import overview
from scripting.insight.dashboard import now as snapshots
from scripting.insight.dashboard.now import Snapshot
from scripting.metrics import rollups
from scripting.metrics.histogram import Histogram, value
from scripting.models import Breaker, ErrorDelta, ErrorGroup, ErrorTotal, Script
from scripting.models.rollups import OUTCOMES

BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds."""
WAITS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""The same, of how long events wait: a backlog may take minutes."""


def registry() -> CollectorRegistry:
    """A registry of all metrics, for one answer."""
    made = CollectorRegistry()
    look = functools.cache(snapshots.look)
    for collector in (ExecutionCollector(), PresentCollector(look), ProcessCollector(look), LoadedCollector(look)):
        made.register(collector)
    return made


class _Quiet(Collector):
    """Is not asked anything when it is registered."""

    def describe(self) -> list[Metric]:
        return []


class _Looking(_Quiet):
    """Tells of one look that it shares with others: a Redis that does not answer is waited for once."""

    def __init__(self, look: Callable[[], Snapshot | None]) -> None:
        self._look = look


class ExecutionCollector(_Quiet):
    """Executions by outcome, their durations, errors by type, breakers: sums of all time, from the rollups."""

    def collect(self) -> Iterator[Metric]:
        scripts = {script.pk: script for script in Script.objects.all()}
        runs: Counter[tuple[int, str]] = Counter()
        durations: dict[int, tuple[Histogram, list[int]]] = {}
        superseded: Counter[int] = Counter()
        waits: dict[str, tuple[Histogram, list[int]]] = {}
        for row in rollups.ever():
            for outcome in OUTCOMES:
                runs[row.script_id, outcome] += getattr(row, outcome)
            superseded[row.script_id] += row.superseded
            histogram, sums = durations.setdefault(row.script_id, (Histogram(), [0, 0]))
            histogram.merge_encoded(bytes(row.durations))
            sums[0] += row.wall_us
            sums[1] += row.cpu_us
            if row.waits and (script := scripts.get(row.script_id)):
                waited, total = waits.setdefault(script.module, (Histogram(), [0]))
                waited.merge_encoded(bytes(row.waits))
                total[0] += row.waited_us
        labels = ["module", "script"]
        counted = CounterMetricFamily("goby_executions", "Executions by outcome.", labels=[*labels, "outcome"])
        took = HistogramMetricFamily("goby_execution_seconds", "Wall time of executions, within 1 %.", labels=labels)
        recorded = HistogramMetricFamily(
            "goby_event_recorded_seconds",
            "Time from an event's acceptance until its execution was recorded, within 1 %.",
            labels=["module"],
        )
        cpu = CounterMetricFamily("goby_execution_cpu_seconds", "CPU time of executions.", labels=labels)
        for (key, outcome), count in sorted(runs.items()):
            if script := scripts.get(key):
                counted.add_metric([script.module, script.name, outcome], count)
        newer = CounterMetricFamily(
            "goby_events_superseded", "Events skipped, since a newer one of their key waited.", labels=labels
        )
        for key, count in sorted(superseded.items()):
            if count and (script := scripts.get(key)):
                newer.add_metric([script.module, script.name], count)
        for key, (histogram, (wall, cpu_us)) in sorted(durations.items()):
            if script := scripts.get(key):
                took.add_metric([script.module, script.name], buckets(histogram), wall / 1e6)
                cpu.add_metric([script.module, script.name], cpu_us / 1e6)
        for module, (histogram, (waited_us,)) in sorted(waits.items()):
            recorded.add_metric([module], buckets(histogram, WAITS), waited_us / 1e6)
        yield from (counted, newer, took, recorded, cpu, _errors(scripts), *_breakers())


def buckets(histogram: Histogram, bounds: Sequence[float] = BUCKETS) -> list[tuple[str, float]]:
    """(upper bound, how many were at the most that long), as Prometheus has it."""
    found = [(value(index) / 1e6, count) for index, count in histogram.counts.items()]
    cumulative = [(str(bound), float(sum(count for at, count in found if at <= bound))) for bound in bounds]
    return [*cumulative, ("+Inf", float(histogram.total))]


def _errors(scripts: dict[int, Script]) -> Metric:
    counted: Counter[tuple[int, str]] = Counter()
    for model in (ErrorGroup, ErrorDelta, ErrorTotal):
        for key, kind, count in model.objects.order_by().values_list("script_id", "error_type", "count"):
            counted[key, kind] += count
    found = CounterMetricFamily("goby_errors", "Failures by error type.", labels=["module", "script", "type"])
    for (key, kind), count in sorted(counted.items()):
        if script := scripts.get(key):
            found.add_metric([script.module, script.name, kind], count)
    return found


def _breakers() -> Iterator[Metric]:
    """1 where it is open; only of active versions that have ever failed."""
    state = GaugeMetricFamily(
        "goby_breaker_open", "Whether a version's breaker is open.", labels=["module", "script", "version"]
    )
    row = GaugeMetricFamily(
        "goby_breaker_failures", "Failures of a version in a row.", labels=["module", "script", "version"]
    )
    for breaker in Breaker.objects.select_related("version__script"):
        version = breaker.version
        if version.script.active_version_id == version.pk:
            labels = [version.script.module, version.script.name, str(version.number)]
            state.add_metric(labels, breaker.opened_at is not None)
            row.add_metric(labels, breaker.failures)
    yield state
    yield row


class PresentCollector(_Looking):
    """Backlog, workers, sandboxes. Nothing but `goby_redis_up` 0 while Redis is unavailable: a gap says more than a zero."""

    def collect(self) -> Iterator[Metric]:
        now = self._look()
        yield GaugeMetricFamily("goby_redis_up", "Whether Redis answers.", value=now is not None)
        if now is None:
            return
        depth = GaugeMetricFamily("goby_queue_depth", "Events accepted and not yet executed.", labels=["stream"])
        age = GaugeMetricFamily("goby_queue_age_seconds", "Age of the oldest of them.", labels=["stream"])
        for stream in now.streams:
            depth.add_metric([stream.stream.name], stream.length)
            age.add_metric([stream.stream.name], stream.age)
        yield from (depth, age)
        yield GaugeMetricFamily(
            "goby_backlog", "Events accepted and not yet executed, of all streams.", value=now.backlog
        )
        yield GaugeMetricFamily(
            "goby_queue_limit",
            "Events that may wait in one stream: beyond, publishers are refused.",
            value=conf.SCRIPTING_MAX_WAITING,
        )
        yield GaugeMetricFamily("goby_backlog_age_seconds", "Age of the oldest of them all.", value=now.oldest)
        yield GaugeMetricFamily("goby_outbox", "Committed events that wait to be sent.", value=now.outbox)
        yield GaugeMetricFamily(
            "goby_dead_letters", "Entries that could be neither run nor recorded.", value=now.dead_letters
        )
        yield GaugeMetricFamily("goby_workers", "Workers that live.", value=len(now.workers))
        yield GaugeMetricFamily("goby_running", "Executions that run for longer than 0.25 s.", value=len(now.running))
        yield from _sandboxes(now)


def _sandboxes(now: Snapshot) -> Iterator[Metric]:
    labels = ["process", "kind"]
    sandboxes = GaugeMetricFamily("goby_sandboxes", "Sandboxes that a process has.", labels=[*labels, "state"])
    forks = CounterMetricFamily("goby_sandbox_starts", "Sandboxes that a process ever started.", labels=labels)
    kills = CounterMetricFamily("goby_sandbox_kills", "Sandboxes that a process ended by killing.", labels=labels)
    places = GaugeMetricFamily("goby_sandbox_places", "Sandboxes that a process may have.", labels=labels)
    started = GaugeMetricFamily("goby_process_start_seconds", "When a process began, since 1970.", labels=labels)
    for process in now.processes:
        who = [process.name, process.kind]
        started.add_metric(who, process.started)
        if process.vitals:
            busy = process.vitals.get("busy", 0)
            sandboxes.add_metric([*who, "busy"], busy)
            sandboxes.add_metric([*who, "idle"], process.vitals.get("sandboxes", 0) - busy)
            forks.add_metric(who, process.vitals.get("forks", 0))
            kills.add_metric(who, process.vitals.get("kills", 0))
            places.add_metric(who, process.vitals.get("places", 0))
    yield from (sandboxes, forks, kills, places, started)


class LoadedCollector(_Looking):
    """How many processes have loaded which digest of each script: not one row for each of them, which would be thousands of scripts by hundreds of processes."""

    def collect(self) -> Iterator[Metric]:
        now = self._look()
        loaded = GaugeMetricFamily(
            "goby_loaded",
            "Processes that run a version.",
            labels=["script", "version", "digest"],
        )
        counted = Counter(
            (script, version.number, version.digest[:16])
            for process in (now.processes if now else ())
            for script, version in process.loaded.items()
        )
        for (script, number, digest), count in sorted(counted.items()):
            loaded.add_metric([script, str(number), digest], count)
        yield loaded


class ProcessCollector(_Looking):
    """The same for Prometheus: processes by kind and state, and per script how many are on its active version."""

    def collect(self) -> Iterator[Metric]:
        """Nothing while Redis is unavailable: a gap says more than a zero."""
        listed = GaugeMetricFamily("goby_processes", "Live processes.", labels=["kind", "state"])
        loaded = GaugeMetricFamily("goby_script_loaded", "Processes by what they loaded.", labels=["script", "state"])
        active = GaugeMetricFamily("goby_script_active_version", "Number of the active version.", labels=["script"])
        now = self._look()
        if now is None:
            return
        seen = overview(now.processes)
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
