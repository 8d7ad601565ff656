"""This process's sandboxes follow what it has loaded: those of a new version are made ready, those of what it replaced are given up."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from scripting.registry import compiled_code
from scripting.registry.bundles import variants
from scripting.registry.resolved import ActiveVersion, Key, ResolvedScript
from scripting.runtime.pool import get_pool
from scripting.supervisor.errors import SupervisorError

logger = logging.getLogger(__name__)


class Sandboxes:
    """Of one listener, in its thread: it tells of changes, and gives time when nothing else waits."""

    def __init__(self) -> None:
        self._cold: dict[Key, str] = {}
        """Scripts whose new version is to be made ready, with the digest of the bundle that was."""
        self._replaced: dict[Key, set[str]] = {}
        """Digests of the bundles that these scripts ran before."""

    @property
    def is_waiting(self) -> bool:
        return bool(self._cold)

    @property
    def are_resting(self) -> bool:
        """Whether there are some to be given up, or renewed, in a while."""
        pool = get_pool()
        return pool.has_replaced or pool.has_large

    def changed(self, key: Key, before: ResolvedScript) -> None:
        """Another version of the script is loaded now, or none."""
        if get_pool().is_empty:
            return  # as in a process that has run nothing yet
        self._cold.setdefault(key, before.for_key("").active.bundle.digest)
        self._replaced.setdefault(key, set()).update(_digests([before.active, *before.fallbacks]))

    def step(self, loaded: Mapping[Key, ResolvedScript], *, is_calm: bool) -> None:
        """Make one version ready, while nothing else changes; when all are, give up sandboxes that no run needs any more."""
        if self._cold and is_calm:
            key, digest = self._cold.popitem()
            if key in loaded:
                _warm(loaded[key], digest)
        if self._cold:
            return
        if self._replaced:
            current = _digests(loaded[key].active for key in self._replaced if key in loaded)
            get_pool().replace({digest for digests in self._replaced.values() for digest in digests}, current)
            self._replaced.clear()
        get_pool().give_up_replaced()
        if is_calm and get_pool().has_large:
            _renew()


def _warm(script: ResolvedScript, digest: str) -> None:
    """Make the version ready if the one before is, so that its first run need not compile."""
    compiled_code.find(script)
    try:
        get_pool().warm(
            script.for_key("").active.bundle, script.limits, compiled_code.functions_of(script), like=digest
        )
    except SupervisorError as error:
        logger.warning("%s is compiled at its next run: %s", script, error)


def _renew() -> None:
    try:
        get_pool().renew()
    except SupervisorError as error:
        logger.debug("a sandbox that compiled stays: %s", error)


def _digests(versions: Iterable[ActiveVersion]) -> set[str]:
    """Of every bundle that these are compiled to, for whatever event."""
    return {bundle.digest for version in versions for bundle in variants(version.bundle)}
