"""The circuit breaker of a version: after failures in a row its fallback runs, then one trial decides whether it is well.

Attempts of events and endpoints count: the active version's own, and those of its fallbacks. A fallback whose breaker is open is
none any longer. States and words are those of Nygard, "Release It!", chapter 5: closed, open, half-open.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import redis
from django.db import transaction

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


@dataclass(frozen=True)
class Finding:
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
    if datetime.now(UTC) < state.opened_at + timedelta(seconds=conf.SCRIPTING_BREAKER_SECONDS):
        return False
    try:
        trial = redis_client().set(
            key("breaker-trial", script.active.id), b"1", nx=True, ex=int(script.limits.max_execution_time) + 5
        )
    except redis.RedisError:
        return False
    return bool(trial)


def note(findings: Iterable[Finding]) -> None:
    """Count, open and close, in the transaction that records the executions. Nothing is written while all goes well."""
    by_version: dict[int, list[Finding]] = {}
    for finding in findings:
        by_version.setdefault(finding.version.id, []).append(finding)
    for version in sorted(by_version):
        found = by_version[version]
        if any(finding.error for finding in found):
            _count(version, found)
        elif found[0].was_fallback:
            Breaker.objects.filter(version=version, opened_at=None).update(failures=0)
        elif found[0].script.breaker is not None:
            _count(version, found)


def _count(version: int, findings: list[Finding]) -> None:
    breaker, _ = Breaker.objects.select_for_update().get_or_create(version_id=version)
    before = breaker.failures, breaker.opened_at
    was_open = breaker.opened_at is not None
    for finding in findings:
        if not finding.error:
            breaker.failures, breaker.opened_at, breaker.last_error = 0, None, ""
            continue
        breaker.failures += 1
        breaker.last_error = one_line(finding.error)
        if breaker.failures >= conf.SCRIPTING_BREAKER_FAILURES:
            breaker.opened_at = datetime.now(UTC)
    if (breaker.failures, breaker.opened_at) == before:
        return
    breaker.save(update_fields=["failures", "opened_at", "last_error"])
    finding, is_open = findings[0], breaker.opened_at is not None
    if was_open != is_open or (is_open and not finding.was_fallback):
        notice = _notice(finding, breaker, was_open=was_open)
        level = logging.ERROR if is_open and not was_open else logging.WARNING
        announce(notice, using=breaker._state.db)
        transaction.on_commit(lambda: _log(level, notice), using=breaker._state.db)
    elif not finding.was_fallback:
        script = finding.script
        transaction.on_commit(lambda: registry.discard(script.module, script.name), using=breaker._state.db)


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
        reason = f"failed {breaker.failures} times in a row as the fallback of {instead_of}: {breaker.last_error}"
    else:
        reason = f"failed {breaker.failures} times in a row: {breaker.last_error}"
    return Notice(
        kind, script.module, script.name, version.number, version.digest, "breaker", reason=reason, at=time.time()
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
