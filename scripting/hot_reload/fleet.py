"""Which live processes run the active version of each script: what the database says beside what they acknowledged."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import redis

from scripting.models import Script
from scripting.processes import members
from scripting.processes.members import Process, everyone
from scripting.registry.active import registry
from scripting.registry.reading import load
from scripting.registry.resolved import ResolvedScript, ScriptNotFound

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Overview:
    """Every process that is listed, and how far the active version of every script has come."""

    processes: tuple[Process, ...]
    scripts: tuple[Loading, ...]

    @property
    def stale(self) -> list[Process]:
        return [process for process in self.processes if process.is_stale]


def overview(processes: Iterable[Process] | None = None) -> Overview:
    """All of it, with one look at the database and one at Redis, where that was not taken already. Raises redis.RedisError."""
    active = sorted(load().values(), key=str)
    listed = tuple(members.everyone() if processes is None else processes)
    return Overview(listed, tuple(_loading(script, listed) for script in active))


def loaded_by(script: Script) -> Loading | None:
    """How far its active version has come: `7 of 8 on v42, one stale since 3 s`. None if nothing runs, or Redis is unavailable."""
    key = (script.module, script.name)
    active = load([key]).get(key)
    try:
        return _loading(active, tuple(members.everyone([str(script)]))) if active else None
    except redis.RedisError as error:
        logger.debug("who runs %s is not known: %s", script, error)
        return None


def _loading(script: ResolvedScript, listed: tuple[Process, ...]) -> Loading:
    return Loading(str(script), script.active.info.number, script.active.bundle.digest, listed)


@dataclass(frozen=True)
class Loading:
    """How far a version of a script has come: `str` says it in a line, `7 of 8 on v42, one stale since 3 s`."""

    script: str
    number: int
    digest: str
    processes: tuple[Process, ...]

    @property
    def current(self) -> list[Process]:
        """Those that have acknowledged it."""
        return [process for process in self.processes if self._has(process)]

    @property
    def behind(self) -> list[Process]:
        """Those that live and have not yet."""
        return [process for process in self.processes if not self._has(process) and not process.is_stale]

    @property
    def stale(self) -> list[Process]:
        """Those that were not heard of lately, whatever they had loaded."""
        return [process for process in self.processes if process.is_stale]

    @property
    def is_everywhere(self) -> bool:
        return len(self.current) == len(self.processes)

    def _has(self, process: Process) -> bool:
        loaded = process.loaded.get(self.script)
        return loaded is not None and loaded.digest == self.digest

    def __str__(self) -> str:
        said = [f"{len(self.current)} of {len(self.processes)} on v{self.number}"]
        if self.stale:
            oldest = max(process.age for process in self.stale)
            count = "one" if len(self.stale) == 1 else str(len(self.stale))
            said.append(f"{count} stale since {oldest:.0f} s")
        if self.behind:
            said.append(f"{len(self.behind)} not yet")
        return ", ".join(said)


def loading(script: str, number: int, digest: str) -> Loading:
    """How far version `number` of a script (module/name), with this bundle, has come. Raises redis.RedisError."""
    return Loading(script, number, digest, tuple(everyone([script])))


def loadings(versions: Iterable[tuple[str, int, str]]) -> list[Loading]:
    """`loading` of many scripts with one look. Raises redis.RedisError."""
    processes = tuple(everyone())
    return [Loading(script, number, digest, processes) for script, number, digest in versions]


@dataclass(frozen=True)
class Spread:
    """How many of the live processes have acknowledged the active version: "live on 5 of 5"."""

    loaded: int = 0
    of: int = 0
    waiting: tuple[str, ...] = ()
    """The kinds of process that have not yet, such as `worker`."""
    is_known: bool = True
    """False while Redis, which would tell, does not answer."""

    def described(self) -> dict[str, Any]:
        return {"loaded": self.loaded, "of": self.of, "waiting": list(self.waiting), "known": self.is_known}


NOWHERE, UNKNOWN = Spread(), Spread(is_known=False)


def spread_of(script: Script) -> Spread:
    """Where the active version is loaded; not known while Redis is unavailable."""
    return spreads_of([script]).get(script.pk, NOWHERE)


def spreads_of(scripts: Iterable[Script]) -> dict[int, Spread]:
    """`spread_of` many scripts, by id, with one look at Redis. Scripts without an active version are left out."""
    wanted: dict[int, tuple[str, int, str]] = {}
    for script in scripts:
        try:
            active = registry.resolve(script.module, script.name).active
        except ScriptNotFound:
            continue
        wanted[script.pk] = (str(script), active.info.number, active.bundle.digest)
    try:
        found = loadings(wanted.values())
    except redis.RedisError:
        return dict.fromkeys(wanted, UNKNOWN)
    return {pk: _without_stale(loading) for pk, loading in zip(wanted, found, strict=True)}


def _without_stale(loading: Loading) -> Spread:
    """Stale processes are not waited for: they take it when they come back, or are gone."""
    listed = [process for process in loading.processes if not process.is_stale]
    current = [process for process in loading.current if not process.is_stale]
    return Spread(len(current), len(listed), tuple(sorted(process.kind for process in loading.behind)))
