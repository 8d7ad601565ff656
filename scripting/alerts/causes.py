"""Find the causes of alerts, one finder for each kind of rule, each with its words. All of it is read from what is counted anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from rq.utils import as_text

from scripting.bus import dead_letters, streams
from scripting.conf import conf
from scripting.metrics import rollups, trusted_time
from scripting.models import AlertRule, Breaker, Evidence, Script
from scripting.models.gate import grouped
from scripting.processes import members
from scripting.storage.database_clock import off_by
from scripting.storage.full_redis import share_used
from scripting.storage.redis_client import redis_client

Found = Iterator[tuple[str, str]]
"""(cause, words)"""
Kind = AlertRule.Kind


def causes_of(rule: AlertRule, now: datetime) -> dict[str, str]:
    """Words by cause. Raises redis.RedisError where that is unavailable: then nothing is known."""
    return {cause[:200]: words for cause, words in _BY_KIND[Kind(rule.kind)](rule, now)}


def _failures(rule: AlertRule, now: datetime) -> Found:
    until = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    figures = rollups.by_script(until - timedelta(minutes=rule.minutes), until)
    for script in _scripts(rule):
        found = figures.get(script.pk)
        if found is None or found.runs < rule.least_runs or not found.failures:
            continue
        percent = 100 * found.failures / found.runs
        if percent > rule.limit:
            yield (
                str(script),
                f"{script} failed in {percent:.3g} % of {grouped(found.runs)} runs in {rule.minutes} minutes",
            )


def _breakers(rule: AlertRule, now: datetime) -> Found:
    of_active = {script.active_version_id: script for script in _scripts(rule)}
    for breaker in Breaker.objects.filter(opened_at__isnull=False, version__in=list(filter(None, of_active))):
        script = of_active[breaker.version_id]
        yield str(script), f"{script} {breaker.failed}: its fallback decides. Last error: {breaker.last_error}"


def _files(rule: AlertRule, now: datetime) -> Found:
    for script in _scripts(rule):
        if script.held:
            yield str(script), f"the file of {script} is held: {script.held}"
        elif script.rejected_basis:
            yield str(script), f"the file of {script} did not pass its check; what ran before stays active"


def _event_age(rule: AlertRule, now: datetime) -> Found:
    for condition in streams.conditions():
        module = condition.stream.module
        if not condition.length or rule.module not in ("", module):
            continue
        age = _age_of_first(condition.stream.entries)
        if age > rule.limit:
            words = f"an event has waited for {age:.0f} s in stream {condition.stream.name}; {grouped(condition.length)} wait there"  # fmt: skip
            yield f"stream {condition.stream.name}", words


def _backlog(rule: AlertRule, now: datetime) -> Found:
    most = conf.SCRIPTING_MAX_WAITING
    for condition in streams.conditions():
        stream, percent = condition.stream, 100 * condition.length / most
        if percent > rule.limit and rule.module in ("", stream.module):
            words = (
                f"{grouped(condition.length)} events wait in stream {stream.name}, {percent:.0f} % of the {grouped(most)} that may "
                f"(SCRIPTING_MAX_WAITING); the oldest for {_age_of_first(stream.entries):.0f} s. At 100 % publishers are refused"
            )
            yield f"full {stream.name}", words
    percent = 100 * share_used()
    if percent > rule.limit and not rule.module:
        yield (
            "full Redis",
            f"Redis holds {percent:.0f} % of what events may take there. At 100 % publishers are refused",
        )


def _age_of_first(entries: str) -> float:
    client = redis_client()
    first = client.xrange(entries, count=1)
    seconds, micros = client.time()
    return max(0.0, seconds + micros / 1e6 - int(as_text(first[0][0] or b"0").split("-")[0]) / 1000) if first else 0.0


def _dead_letters(rule: AlertRule, now: datetime) -> Found:
    count = dead_letters.count()
    if count > rule.limit:
        yield (
            "dead letters",
            f"{grouped(count)} events could be neither run nor recorded: see Dead letters in the admin",
        )


def _workers(rule: AlertRule, now: datetime) -> Found:
    listed = [process for process in members.everyone([]) if process.kind == "worker"]
    live = [process for process in listed if not process.is_stale]
    if len(live) < rule.limit:
        gone = ", ".join(process.name for process in listed if process.is_stale)
        yield (
            "workers",
            f"{len(live)} of {rule.limit:g} workers live" + (f"; gone without a word: {gone}" if gone else ""),
        )


def _replays(rule: AlertRule, now: datetime) -> Found:
    since = now - timedelta(minutes=rule.minutes)
    for evidence in Evidence.objects.filter(created_at__gte=since).select_related("script"):
        script = evidence.script
        if not rule.covers(script.module, script.name) or not evidence.decided:
            continue
        percent = 100 * (evidence.altered + evidence.failing + evidence.refused) / evidence.decided
        if percent > rule.limit:
            yield f"{script} {evidence.candidate[:12]}", f"{script}, {evidence.title}: {evidence.in_words}"


def _clocks(rule: AlertRule, now: datetime) -> Found:
    for process in members.everyone([]):
        if not process.is_stale and abs(process.ahead) > max(rule.limit, members.CLOCK_SECONDS):
            words = f"the clock of {process.host} is {off_by(process.ahead)} Redis': set it right, or Redis' host's"
            yield f"clock of {process.host}", words
    if words := trusted_time.doubt():
        yield "retention", words


def _scripts(rule: AlertRule) -> list[Script]:
    found = Script.objects.in_use()
    named = {name: value for name, value in (("module", rule.module), ("name", rule.script)) if value}
    return list(found.filter(**named))


_BY_KIND: dict[Kind, Callable[[AlertRule, datetime], Found]] = {
    Kind.FAILURES: _failures,
    Kind.BREAKER: _breakers,
    Kind.FILE: _files,
    Kind.EVENT_AGE: _event_age,
    Kind.BACKLOG: _backlog,
    Kind.DEAD_LETTERS: _dead_letters,
    Kind.WORKERS: _workers,
    Kind.REPLAY: _replays,
    Kind.CLOCK: _clocks,
}
