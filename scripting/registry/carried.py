"""A changed script inside its notice, so that the other processes need not ask the database: sealed, since Redis carries it."""

from __future__ import annotations

import base64
import logging
from collections.abc import Collection, Iterable

import msgspec
from django.core.signing import BadSignature, Signer

from scripting.processes.notices import Notice
from scripting.registry.reading import Carried, carried
from scripting.registry.resolved import Key, ResolvedScript

logger = logging.getLogger(__name__)

_SALT = "scripting.carried"


def sealed(key: Key, read: Iterable[ResolvedScript] = ()) -> tuple[str, Carried | None]:
    """The script as it is now, sealed and plain; empty and None where each process has to look itself. Never fails. `read` as in `reading.load`."""
    try:
        found = carried(key, read)
        if found is None:
            return "", None
        packed = base64.b64encode(msgspec.msgpack.encode(found)).decode()
        return Signer(salt=_SALT).sign(packed), found
    except Exception as error:  # noqa: BLE001 - the change is committed: that it happened is told in any case
        logger.warning("every process reads %s/%s in the database: %s: %s", *key, type(error).__name__, error)
        return "", None


def opened(sealed: str) -> Carried | None:
    """The sealed script. None where the seal is not of this site, or the text is of another release."""
    try:
        packed = Signer(salt=_SALT).unsign(sealed)
        return msgspec.msgpack.decode(base64.b64decode(packed), type=Carried)
    except (BadSignature, ValueError, msgspec.MsgspecError) as error:
        logger.debug("a script that a notice carries is not taken: %s", error)
        return None


def told_by(notices: Collection[Notice]) -> dict[Key, Carried]:
    """The newest of each script that all notices of it carry."""
    told: dict[Key, Carried] = {}
    untold = {notice.key for notice in notices if not notice.carried}
    for one in (opened(notice.carried) for notice in notices if notice.key not in untold):
        if one is not None and (one.key not in told or one.activation > told[one.key].activation):
            told[one.key] = one
    return told
