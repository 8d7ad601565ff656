"""The circuit breaker of a version: after failures in a row its fallback runs, then one trial decides whether it is well.

Attempts of events and endpoints count: the active version's own, and those of what stands in for it, which stands in no longer
once its breaker is open. States and words are those of Nygard, "Release It!", chapter 5: closed,
open, half-open.
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
from scripting.processes import generation, notices
from scripting.registry.active import registry
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
    def stood_in(self) -> bool:
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
        elif found[0].stood_in:
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
    is_open = breaker.opened_at is not None
    told = breaker.opened_at if was_open or is_open else None
    script = findings[0].script
    if was_open != is_open or told is not None:
        transaction.on_commit(lambda: _tell(findings[0], breaker, changed=was_open != is_open))
    elif not findings[0].stood_in:
        transaction.on_commit(lambda: registry.discard(script.module, script.name))


def _tell(finding: Finding, breaker: Breaker, *, changed: bool) -> None:
    """After the commit: every process reads the script anew; who follows the scripts hears of it."""
    script = finding.script
    made = generation.bump()
    registry.discard(script.module, script.name, made)
    version = f"{script} v{finding.version.info.number}"
    if finding.stood_in:
        if changed:
            instead = f"v{script.active.info.number}"
            logger.error(
                "%s, standing in for %s, failed %d times in a row: %s; it stands in no longer",
                version,
                instead,
                breaker.failures,
                breaker.last_error,
            )
        return
    if not changed:
        logger.warning(
            "%s failed its trial: %s; its fallback runs for another %g s",
            version,
            breaker.last_error,
            conf.SCRIPTING_BREAKER_SECONDS,
        )
        return
    if breaker.opened_at is not None:
        kind, reason = notices.BREAKER_OPENED, f"failed {breaker.failures} times in a row: {breaker.last_error}"
        logger.error("%s %s; its fallback runs for %g s", version, reason, conf.SCRIPTING_BREAKER_SECONDS)
    else:
        kind, reason = notices.BREAKER_CLOSED, "a trial went well"
        logger.warning("%s is well again and runs", version)
    notices.send(
        notices.Notice(
            kind,
            script.module,
            script.name,
            script.active.info.number,
            script.active.info.digest,
            "breaker",
            reason=reason,
            at=time.time(),
        ).made(made)
    )
