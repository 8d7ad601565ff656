"""Notices over Channels: what became of a script. They are hints: a lost one only delays, see registry and generation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec
from django.db import transaction

from scripting import clock
from scripting.processes import sending
from scripting.processes.generation import Generation

if TYPE_CHECKING:
    from scripting.models import Script, ScriptVersion

GROUP = "scripting.notices"
"""Every page that follows the scripts joins this group; messages have type `scripting.notice`."""
PROCESSES = "scripting.changes"
"""Every process that runs scripts joins this one, which hears of what changes them, and of nothing else."""
TYPE = "scripting.notice"

ACTIVATED, REVERTED, REJECTED, IN_CONFLICT, CHANGED = "activated", "reverted", "rejected", "in_conflict", "changed"
WAITING, HELD, SUBSCRIBED = "waiting", "held", "subscribed"
BREAKER_OPENED, BREAKER_CLOSED, FALLBACK_FAILED = "breaker_opened", "breaker_closed", "breaker_fallback_failed"


@dataclass(frozen=True)
class Notice:
    """A change of a script, as processes and pages are told of it.

    `kind`: `activated`, `reverted` (the default is back since the file is gone), `rejected` (a text that failed its check was
    kept; of a helper's deletion, that scripts need it), `waiting` (a file is stored and waits for its replay), `held` (the gate does
    not let it through), `in_conflict` (two files claim the script), `changed` (its switches,
    limits or default), `subscribed` (other scripts run on a topic: `script` is its name), `breaker_opened`, `breaker_closed`, or `breaker_fallback_failed` (a fallback's breaker opened).
    """

    kind: str
    module: str
    script: str
    number: int | None = None
    """The version it is about."""
    digest: str = ""
    cause: str = ""
    """Of an activation: `default`, `file`, `publish`, `rollback`, `file_deleted` or `upgrade`; of a rejection the text's origin, or `file_deleted`."""
    actor: str = ""
    reason: str = ""
    at: float = 0.0
    """Seconds since 1970 UTC."""
    epoch: str = ""
    counter: int = 0
    """The generation that the change made, for kinds that change what runs; empty where Redis was unavailable."""
    knobs: int | None = None
    """Of an activation: the number of the set of values of its knobs; None for the defaults of its text."""
    carried: str = field(default="", repr=False, compare=False)
    """Of an activation: the script as it runs now, sealed, for processes; no page is told. Empty where each has to look itself."""
    change: int = field(default=0, compare=False)
    """The id of the row of history that the change wrote, where the script is carried."""

    @property
    def key(self) -> tuple[str, str]:
        return self.module, self.script

    @property
    def generation(self) -> Generation | None:
        return (self.epoch.encode(), str(self.counter).encode()) if self.epoch else None

    def made(self, generation: Generation | None) -> Notice:
        """The notice with the generation that its change made."""
        if generation is None or generation[0] is None or generation[1] is None:
            return self
        return replace(self, epoch=generation[0].decode(), counter=int(generation[1]))

    @staticmethod
    def of(message: object) -> Notice:
        """From a message of the group, of another release too. Raises msgspec.ValidationError for one that is no notice."""
        return msgspec.convert(message, Notice)


def activated(script: Script, version: ScriptVersion | None, cause: str, actor: object, reason: str) -> Notice:
    """That `version` (None: nothing) became the one that runs."""
    kind = REVERTED if cause == "file_deleted" else ACTIVATED
    number, digest = (version.number, version.sha256) if version else (None, "")
    knobs = script.active_knobs.number if script.active_knobs else None
    made = Notice(kind, script.module, script.name, number, digest, cause, str(actor or ""), reason, clock.seconds())
    return replace(made, knobs=knobs)


def rejected(version: ScriptVersion, origin: str, why: str) -> Notice:
    """That a text was kept but did not pass its check."""
    script, author = version.script, str(version.author or "")
    return Notice(
        REJECTED, script.module, script.name, version.number, version.sha256, origin, author, why, clock.seconds()
    )


def held(version: ScriptVersion, why: str, *, waits: bool) -> Notice:
    """That a file is stored and not active: it waits for its replay, or the gate does not let it through."""
    script = version.script
    kind = WAITING if waits else HELD
    return Notice(
        kind, script.module, script.name, version.number, version.sha256, version.origin, reason=why, at=clock.seconds()
    )


def kept(script: Script, cause: str, why: str) -> Notice:
    """That a change was refused which would have taken away what other scripts need."""
    version = script.active_version
    number, digest = (version.number, version.sha256) if version else (None, "")
    return Notice(REJECTED, script.module, script.name, number, digest, cause, reason=why, at=clock.seconds())


def in_conflict(module: str, script: str, why: str) -> Notice:
    """That more than one file claims to be the script."""
    return Notice(IN_CONFLICT, module, script, cause="file", reason=why, at=clock.seconds())


def changed(script: Script) -> Notice:
    """That its switches or limits were saved."""
    return Notice(CHANGED, script.module, script.name, at=clock.seconds())


# -- sending -----------------------------------------------------------------------------------------------------------


def spread(notice: Notice, made: Generation) -> None:
    """Tell everybody of the change that made a generation: the processes first, and them alone what it carries."""
    told = {"type": TYPE, **vars(notice.made(made))}
    sending.send([(PROCESSES, told), (GROUP, told | {"carried": ""})], _named(notice))


def send(notice: Notice) -> None:
    """Tell pages alone; never fails the caller, whose change is already committed."""
    sending.send([(GROUP, {"type": TYPE, **vars(notice)})], _named(notice))


def _named(notice: Notice) -> str:
    return f"a notice of {notice.module}/{notice.script}"


def send_on_commit(notice: Notice) -> None:
    """Tell the group once the transaction is committed."""
    transaction.on_commit(lambda: send(notice))
