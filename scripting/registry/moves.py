"""Moves: that a version, or values of its knobs, is to become the one that runs, and what may stand against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scripting.models import KnobSet, Script, ScriptVersion
from scripting.texts.merge import Merge
from scripting.types import Diagnostic

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class PublishRefused(Exception):
    """A text that was not made active. `version` is where it is kept, `report` what its check found."""

    def __init__(
        self, message: str, version: ScriptVersion | None = None, diagnostics: Sequence[Diagnostic] = ()
    ) -> None:
        super().__init__(message)
        self.version = version
        self.diagnostics = tuple(diagnostics)


class WillFail(PublishRefused):
    """A text that passes its check, but will certainly fail: nothing is stored until a person confirms it."""


class StaleBase(PublishRefused):
    """Another version became active since the text was begun: merge with it, then publish again.

    `merge` is that, with the places that a person decides; None where there was no text to merge.
    """

    def __init__(self, message: str, version: ScriptVersion | None = None, merged: Merge | None = None) -> None:
        super().__init__(message, version)
        self.merge = merged


class AlreadyActive(PublishRefused):
    """The version that was to become active is: nothing changed. `version` is it."""


class HelpersChanged(PublishRefused):
    """A helper, or what imports it, changed between a text's check and now, and beside that it would not pass: judge it anew."""


class FileOvertaken(PublishRefused):
    """Another process took a file of the script since this one read it."""


class AnyBase:
    """In place of a base version: activate over whatever is active."""


class SameKnobs:
    """In place of a set of values: leave the knobs as they are."""


@dataclass(frozen=True)
class AtGate:
    """Wishes of the actor at the gate."""

    override: str = ""
    """Why it is to go live although the gate is closed. Counts only where the gate is; takes `scripting.override_gate`."""
    wants_advice: bool = False
    """Whether to hear what is lacking under `advise` too: so that the evidence is made first, and kept with the version."""


PLAIN = AtGate()


@dataclass(frozen=True)
class Move:
    """That a version, or a set of values of its knobs, is to become the one that runs."""

    script: Script
    version: ScriptVersion | None
    cause: str
    base: ScriptVersion | type[AnyBase] | None = None
    """The version that the actor believed active."""
    actor: User | None = None
    reason: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the script saved with it."""
    file_seen: str | None = None
    """The digest that the script's file had when the version was made of it; None where no file is concerned."""
    knobs: KnobSet | type[SameKnobs] | None = SameKnobs
    """The set of values that is to be active; None for the defaults of the text."""
    knobs_base: KnobSet | type[AnyBase] | None = AnyBase
    """The set of values that the actor believed active."""
    at_gate: AtGate = PLAIN

    @property
    def is_of_knobs(self) -> bool:
        return self.knobs is not SameKnobs


def say_why(reason: str) -> None:
    """Raise PublishRefused for a change without a reason."""
    if not reason.strip():
        raise PublishRefused("say why: the reason is shown beside the version for good")
