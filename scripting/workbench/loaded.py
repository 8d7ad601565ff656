"""How many running processes have taken the active version of a script: "live on 5 of 5"."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import redis

from scripting.models import Script
from scripting.processes import members
from scripting.registry.active import ScriptNotFound, registry


@dataclass(frozen=True)
class Loaded:
    """Processes that are listed, and those of them that acknowledged the active version."""

    loaded: int = 0
    of: int = 0
    waiting: tuple[str, ...] = ()
    """The kinds of process that have not yet, such as `worker`."""
    is_known: bool = True
    """False while Redis, which would tell, does not answer."""

    @property
    def everywhere(self) -> bool:
        return self.of > 0 and self.loaded == self.of

    def described(self) -> dict[str, Any]:
        return {"loaded": self.loaded, "of": self.of, "waiting": list(self.waiting), "known": self.is_known}


NOWHERE, UNKNOWN = Loaded(), Loaded(is_known=False)


def loaded(script: Script) -> Loaded:
    """Where the active version is loaded; not known while Redis is away."""
    return of_all([script]).get(script.pk, NOWHERE)


def of_all(scripts: Iterable[Script]) -> dict[int, Loaded]:
    """`loaded` of many scripts, by id, with one look at Redis. Scripts without an active version are left out."""
    wanted: dict[int, tuple[str, int, str]] = {}
    for script in scripts:
        try:
            active = registry.resolve(script.module, script.name).active
        except ScriptNotFound:
            continue
        wanted[script.pk] = (str(script), active.info.number, active.bundle.digest)
    try:
        found = members.loadings(wanted.values())
    except redis.RedisError:
        return dict.fromkeys(wanted, UNKNOWN)
    return {pk: from_loading(loading) for pk, loading in zip(wanted, found, strict=True)}


def from_loading(loading: members.Loading) -> Loaded:
    """Stale processes are not waited for: they take it when they come back, or are gone."""
    listed = [process for process in loading.processes if not process.is_stale]
    current = [process for process in loading.current if not process.is_stale]
    return Loaded(len(current), len(listed), tuple(sorted(process.kind for process in loading.behind)))
