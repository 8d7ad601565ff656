"""The circuit breaker of a version: after failures in a row, or too many of late, its fallback runs, then one trial decides.

Attempts of events and endpoints count: the active version's own, and those of its fallbacks. A fallback whose breaker is open is
none any longer. States and words are those of Nygard, "Release It!", chapter 5: closed, open, half-open.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
import redis
from django.db import transaction

from scripting import clock
from scripting.conf import conf
from scripting.models import Breaker
from scripting.processes import notices
from scripting.processes.notices import Notice
from scripting.registry.active import registry
from scripting.registry.announce import announce
from scripting.registry.resolved import ActiveVersion, ResolvedScript
from scripting.storage.redis_client import key, redis_client
from scripting.texts.escaping import one_line

logger = logging.getLogger(__name__)

COUNTED = frozenset({"event", "endpoint"})
"""Triggers whose primary attempts count, and whose scripts a breaker withholds."""


class Finding(msgspec.Struct, frozen=True):
    """How a version did in one execution. `error` is empty when it did well."""

    script: ResolvedScript
    version: ActiveVersion
    error: str

    @property
    def was_fallback(self) -> bool:
        """Whether it was not the active version."""
        return self.version.id != self.script.active.id


def admits(script: ResolvedScript) -> bool:
    """Whether the active version may be tried now: its breaker is closed, or it is this caller's turn to try it (half-open)."""
    state = script.breaker
    if state is None or state.opened_at is None:
        return True
    # One that was opened in the future was so by a host whose clock was wrong: it must not stay open until then.
    if abs(clock.now() - state.opened_at) < timedelta(seconds=conf.SCRIPTING_BREAKER_SECONDS):
        return False
    try:
        trial = redis_client().set(
            key("breaker-trial", script.active.id), b"1", nx=True, ex=int(script.limits.max_execution_time) + 5
        )
    except redis.RedisError:
        return False
    return bool(trial)


class _Successes:
    """Successes of each version in this process that no Breaker row knows of yet; one dict entry a version.

    They are written with the version's next failure, so that a version that does well costs no write. An estimate: a
    transaction that is undone has counted.
    """

    def __init__(self) -> None:
        self._since: dict[int, tuple[float, int]] = {}

    def add(self, version: int, runs: int) -> None:
        now = time.monotonic()
        since, before = self._since.get(version, (now, 0))
        if now - since > conf.SCRIPTING_BREAKER_WINDOW:
            since, before = now, 0
        self._since[version] = since, before + runs

    def take(self, version: int) -> int:
        since, runs = self._since.pop(version, (0.0, 0))
        return runs if time.monotonic() - since <= conf.SCRIPTING_BREAKER_WINDOW else 0


_successes = _Successes()


def note(findings: Iterable[Finding]) -> None:
    """Count, open and close, in the transaction that records the executions. Nothing is written while all goes well."""
    by_version: dict[int, list[Finding]] = {}
    for finding in findings:
        by_version.setdefault(finding.version.id, []).append(finding)
    for version in sorted(by_version):
        found = by_version[version]
        if any(finding.error for finding in found) or (
            not found[0].was_fallback and found[0].script.breaker is not None
        ):
            _count(version, found)
        else:
            _successes.add(version, len(found))
            if found[0].was_fallback:
                Breaker.objects.filter(version=version, opened_at=None).update(failures=0)


def _count(version: int, findings: list[Finding]) -> None:
    breaker, _ = Breaker.objects.select_for_update().get_or_create(version_id=version)
    before = breaker.failures, breaker.opened_at
    was_open = breaker.opened_at is not None
    now = clock.now()
    for finding in findings:
        if not finding.error:
            if breaker.opened_at is None or _was_trial(finding):
                breaker.failures, breaker.opened_at = 0, None
            continue
        breaker.failures += 1
        breaker.last_error = one_line(finding.error)
        if breaker.opened_at is None and breaker.failures >= conf.SCRIPTING_BREAKER_FAILURES:
            breaker.opened_at, breaker.window_at, breaker.window_runs, breaker.window_failures = now, None, 0, 0
        elif breaker.opened_at is not None:
            breaker.opened_at = now
    _count_in_window(breaker, findings, now, was_open=was_open)
    breaker.save()
    if (breaker.failures, breaker.opened_at) == before:
        return
    finding, is_open = findings[0], breaker.opened_at is not None
    if was_open != is_open or (is_open and not finding.was_fallback):
        notice = _notice(finding, breaker, was_open=was_open)
        level = logging.ERROR if is_open and not was_open else logging.WARNING
        announce(notice, using=breaker._state.db)
        transaction.on_commit(lambda: _log(level, notice), using=breaker._state.db)
    elif not finding.was_fallback:
        script = finding.script
        transaction.on_commit(lambda: registry.discard(script.module, script.name), using=breaker._state.db)


def _was_trial(finding: Finding) -> bool:
    """Whether its success closes an open breaker: not that of a run which began before the breaker opened."""
    state = finding.script.breaker
    return finding.was_fallback or (state is not None and state.opened_at is not None)


def _count_in_window(breaker: Breaker, findings: list[Finding], now: datetime, *, was_open: bool) -> None:
    """Open a breaker whose version fails too often of late, be it never so often in a row."""
    is_open = breaker.opened_at is not None
    if is_open or was_open:
        if not is_open:
            breaker.window_at, breaker.window_runs, breaker.window_failures = None, 0, 0
        return
    length = timedelta(seconds=conf.SCRIPTING_BREAKER_WINDOW)
    if breaker.window_at is None or not timedelta(0) <= now - breaker.window_at <= length:
        breaker.window_at, breaker.window_runs, breaker.window_failures = now, 0, 0
    breaker.window_runs += len(findings) + _successes.take(breaker.version_id)
    failed = sum(1 for finding in findings if finding.error)
    breaker.window_failures += failed
    if (
        failed
        and breaker.window_runs >= conf.SCRIPTING_BREAKER_RUNS
        and breaker.window_failures >= conf.SCRIPTING_BREAKER_RATE * breaker.window_runs
    ):
        breaker.opened_at = now


def _notice(finding: Finding, breaker: Breaker, *, was_open: bool) -> Notice:
    """Say what became of the version's breaker, and why."""
    script, version = finding.script, finding.version.info
    kind = notices.BREAKER_OPENED
    if breaker.opened_at is None:
        kind, reason = (
            notices.BREAKER_CLOSED,
            "it did well as the fallback" if finding.was_fallback else "a trial went well",
        )
    elif was_open:
        reason = f"failed its trial: {breaker.last_error}"
    elif finding.was_fallback:
        kind, instead_of = notices.FALLBACK_FAILED, f"v{script.active.info.number}"
        reason = f"{breaker.failed} as the fallback of {instead_of}: {breaker.last_error}"
    else:
        reason = f"{breaker.failed}: {breaker.last_error}"
    return Notice(
        kind, script.module, script.name, version.number, version.digest, "breaker", reason=reason, at=clock.seconds()
    )


def _log(level: int, notice: Notice) -> None:
    version = f"{notice.module}/{notice.script} v{notice.number}"
    match notice.kind:
        case notices.BREAKER_CLOSED:
            logger.log(level, "%s runs again: %s", version, notice.reason)
        case notices.FALLBACK_FAILED:
            logger.log(level, "%s %s; it is no fallback any longer", version, notice.reason)
        case _:
            seconds = conf.SCRIPTING_BREAKER_SECONDS
            logger.log(level, "%s %s; its fallback runs for %g s", version, notice.reason, seconds)
