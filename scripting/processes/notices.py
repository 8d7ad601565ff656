"""Notices over Channels: what became of a script. They are hints: a lost one only delays, see registry and generation."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from concurrent.futures import Future, wait
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import msgspec
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from scripting import clock
from scripting.processes import generation
from scripting.processes.generation import Generation

if TYPE_CHECKING:
    from scripting.models import Script, ScriptVersion

logger = logging.getLogger(__name__)

GROUP = "scripting.notices"
"""Everyone who follows the scripts joins this group; messages have type `scripting.notice`."""
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

    def packed(self) -> str:
        """As text; see `unpacked`."""
        return msgspec.json.encode(self).decode()

    @staticmethod
    def unpacked(text: bytes) -> Notice:
        """From the text of `packed`, of another release too. Raises msgspec.MsgspecError for what is no notice."""
        return msgspec.json.decode(text, type=Notice)

    @staticmethod
    def of(message: dict[str, Any]) -> Notice:
        """From a message of the group. Raises TypeError for one that is no notice."""
        known = {field.name for field in fields(Notice)}
        return Notice(**{name: value for name, value in message.items() if name in known})


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

SEND_SECONDS = 0.02
"""A caller waits so long for its notice to be sent: going on at once, it would keep the interpreter from the thread that sends."""

_loop: asyncio.AbstractEventLoop | None = None


def send_through(loop: asyncio.AbstractEventLoop | None) -> None:
    """Have this process' notices sent by a loop that runs anyway: quicker than one made for each notice."""
    global _loop
    _loop = loop


def spread(notice: Notice, made: Generation) -> None:
    """Tell everybody of the change that made a generation: by Redis itself each process that waits for the next one, then the group.

    What processes wait for goes first, and what it carries goes that way alone: pages have no use for it, and each would read it.
    """
    told = notice.made(made)
    generation.call(made, told.packed())
    send(replace(told, carried=""))


def send(notice: Notice) -> None:
    """Tell the group; never fails the caller, whose change is already committed."""
    send_to(GROUP, {"type": TYPE, **asdict(notice)}, f"a notice of {notice.module}/{notice.script}")


def send_to(group: str, message: dict[str, Any], what: str) -> None:
    """Tell any group; never fails the caller. `what` names the message in the log."""
    layer = get_channel_layer()
    if layer is None:
        return
    loop = _loop
    if loop is not None and loop.is_running():
        with contextlib.suppress(RuntimeError):  # it was closed this moment
            sent = asyncio.run_coroutine_threadsafe(layer.group_send(group, message), loop)
            sent.add_done_callback(functools.partial(_report, what))
            wait([sent], SEND_SECONDS)
            return
    try:
        async_to_sync(layer.group_send)(group, message)
    except Exception as error:  # noqa: BLE001 - whatever the layer raises, the change itself stands
        logger.warning("%s was not sent: %s", what, error)


def send_on_commit(notice: Notice) -> None:
    """Tell the group once the transaction is committed."""
    transaction.on_commit(lambda: send(notice))


def _report(what: str, sent: Future[Any]) -> None:
    error = None if sent.cancelled() else sent.exception()
    if error is not None:
        logger.warning("%s was not sent: %s", what, error)
