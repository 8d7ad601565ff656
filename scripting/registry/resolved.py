"""Scripts as they run: the active version with its helpers, and what runs when it fails."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from scripting.models import SHARED
from scripting.modules.segments import fitting
from scripting.types import Bundle, SecurityLimits, VersionInfo

Key = tuple[str, str]
"""(module, script): what a script is known by."""


class ScriptNotFound(LookupError):
    """There is no such script, or it has no active version: the message names it and what there is."""


@dataclass(frozen=True)
class ActiveVersion:
    """A version ready to run."""

    id: int
    info: VersionInfo
    bundle: Bundle


@dataclass(frozen=True)
class BreakerState:
    """The circuit breaker of the active version as it was read; `opened_at` is None while it is closed."""

    failures: int
    opened_at: datetime | None
    window_failures: int
    window_runs: int


@dataclass(frozen=True)
class ResolvedScript:
    """A script as it runs now in this process."""

    id: int
    module: str
    name: str
    enabled: bool
    active: ActiveVersion
    limits: SecurityLimits
    fallbacks: tuple[ActiveVersion, ...]
    """Fallbacks of the active version, in the configured order: the previous good version, the embedded
    default. Each at most once, and none whose own breaker is open."""
    breaker: BreakerState | None = None
    """None while the active version does well."""
    activation: int = 0
    """Of two of one script, the one with the higher number was read later."""

    def __str__(self) -> str:
        return f"{self.module}/{self.name}"

    @property
    def key(self) -> Key:
        return self.module, self.name

    def may_import(self, helper: str) -> bool:
        """Whether a version that could run may take in the helper of this name: by the search that makes bundles, see bundling."""
        sources = (each for v in (self.active, *self.fallbacks) for each in (v.bundle.script, *v.bundle.helpers))
        return any(SHARED in source.text and helper in source.text for source in sources)

    @cached_property
    def _is_split(self) -> bool:
        """Whether a version that could run is compiled differently for different events."""
        return any(version.bundle.is_split for version in (self.active, *self.fallbacks))

    def for_key(self, key: str) -> ResolvedScript:
        """The script as it runs for an event of this ordering key: with the values of knobs that hold there."""
        if not self._is_split:
            return self
        fits = fitting(self.module, key)
        active, *fallbacks = (
            replace(version, bundle=version.bundle.of_segment(fits)) for version in (self.active, *self.fallbacks)
        )
        return replace(self, active=active, fallbacks=tuple(fallbacks))
