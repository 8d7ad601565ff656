"""Scripts whose breaker is open, their fallback and until when: for pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import router
from django.db.models import F, QuerySet

from scripting import clock
from scripting.conf import conf
from scripting.insight.executions.filters import TRIED
from scripting.models import Breaker, Script, ScriptVersion
from scripting.models.script import TEXTS
from scripting.modules.installed import modules
from scripting.modules.scriptable import ScriptableModule
from scripting.registry.reading import load
from scripting.registry.resolved import ActiveVersion, ResolvedScript
from scripting.storage.compiled_query import Objects, number

BUILT_IN, NOTHING = "the built-in rule", "nothing"
"""Names of what decides where no version does."""


@dataclass(frozen=True)
class FallbackInForce:
    """The fallback that decides while the active version of `script` is withheld."""

    script: Script
    withheld: ScriptVersion
    failed: str
    """`v5 failed 5 times in a row`"""
    last_error: str
    last_failed: datetime
    version: ActiveVersion | None
    """The version that is run first in its place; None where there is none but the module's built-in rule."""

    def __str__(self) -> str:
        """`v5 failed 5 times in a row: v4 decides as fallback`."""
        return f"{self.failed}: " + (
            "there is no fallback" if self.name == NOTHING else f"{self.name} decides as fallback"
        )

    @property
    def name(self) -> str:
        """`v4`, `the default (v1)`, `the built-in rule`, or `nothing`."""
        if self.version is None:
            return BUILT_IN if _has_rule(modules.get(self.script.module)) else NOTHING
        number = self.version.info.number
        return f"the default (v{number})" if self.version.id == self.script.default_version_id else f"v{number}"

    @property
    def until(self) -> datetime:
        return self.last_failed + timedelta(seconds=conf.SCRIPTING_BREAKER_SECONDS)

    @property
    def is_over(self) -> bool:
        """Whether the pause is over: the next run tries the withheld version again."""
        return clock.now() >= self.until

    @property
    def failures(self) -> str:
        """Query string of the list of executions: those that the withheld version failed, without those it was not tried in."""
        return f"script={self.script.pk}&version={self.withheld.pk}&status={TRIED}"

    def described(self) -> dict[str, Any]:
        """As pages that follow it read it."""
        return {
            "words": str(self),
            "name": self.name,
            "error": self.last_error,
            "until": self.until.timestamp(),
            "withheld": self.withheld.pk,
        }


def of_all() -> dict[int, FallbackInForce]:
    """By id of the script, of those in use: one query while no breaker is open, a few however many are."""
    return _in_use(_open(Breaker.objects.all()))


def of(script: Script) -> FallbackInForce | None:
    """None while the active version is run."""
    if script.active_version_id is None:
        return None
    return _in_use(_of_version.found(router.db_for_read(Breaker), version=script.active_version_id)).get(script.pk)


def _open(breakers: QuerySet[Breaker]) -> QuerySet[Breaker]:
    of_script = "version__script"
    running = {
        f"{of_script}__active_version": F("version"),
        f"{of_script}__enabled": True,
        f"{of_script}__retired_at": None,
    }
    found = breakers.filter(opened_at__isnull=False, **running).select_related(of_script)
    return found.defer(*(f"version__{name}" for name in TEXTS))


_of_version = Objects(lambda: _open(Breaker.objects.filter(version=number("version"))))


def _in_use(breakers: Iterable[Breaker]) -> dict[int, FallbackInForce]:
    by_version = {row.version_id: row for row in breakers}
    if not by_version:
        return {}
    scripts = load({(row.version.script.module, row.version.script.name) for row in by_version.values()})
    # A script that another version became active of meanwhile is left out.
    return {s.id: _in_force(by_version[s.active.id], s) for s in scripts.values() if s.active.id in by_version}


def _in_force(breaker: Breaker, script: ResolvedScript) -> FallbackInForce:
    assert breaker.opened_at is not None
    return FallbackInForce(
        breaker.version.script,
        breaker.version,
        f"v{breaker.version.number} {breaker.failed}",
        breaker.last_error,
        breaker.opened_at,
        next(iter(script.fallbacks), None),
    )


def _has_rule(module: ScriptableModule | None) -> bool:
    return module is not None and type(module).built_in is not ScriptableModule.built_in
