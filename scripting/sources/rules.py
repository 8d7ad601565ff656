"""Decide, from what is known, what becomes of a file and of an embedded default. Pure functions: they look at nothing."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from scripting.sources.folder import (
    Found,
    Unusable,
)


@dataclass(frozen=True)
class Known:
    """The database's view of a script, as far as the decisions need it."""

    file_digest: str = ""
    """Of the file last taken, in whichever folder; empty for none."""
    here: str = ""
    """Of the file last seen in this folder; empty where it never had one."""
    file_rejected: bool = False
    """Whether that file did not pass its check, and nobody has decided on the script since."""
    has_active: bool = False
    active_by_file: bool = False
    """Whether the active version is that file's."""
    has_default: bool = False
    default_same: bool = False
    """Whether the default known is the text that the package ships."""
    default_active: bool = False
    pinned: bool = False


class FileAction(enum.Enum):
    """Actions for a script's file."""

    NOTHING = "nothing"
    TAKE = "take"
    """Check it, and activate it if it passes."""
    TAKE_AGAIN = "take again"
    """It was rejected: check it anew if anything that its verdict rests on has changed."""
    KEEP = "keep"
    """It cannot be read: what runs goes on running."""
    REVERT = "revert"
    """It is gone and its version is active: bring the default back."""
    FORGET = "forget"
    """It is gone, and something else is active."""
    LEAVE = "leave"
    """It is gone here; a file of another folder counts, or none does any more."""


class DefaultAction(enum.Enum):
    """Actions for a script's embedded default."""

    NOTHING = "nothing"
    ACTIVATE = "activate"
    UPGRADE = "upgrade"
    FLAG = "flag"
    """Store it; something else stays active."""


def decide_file(found: Found | None, known: Known) -> FileAction:
    """`found` None: the file has been away for ABSENCE_SECONDS."""
    match found:
        case None if not known.here:
            return FileAction.NOTHING  # another folder's, whose absence here says nothing
        case None if known.here != known.file_digest:
            return FileAction.LEAVE
        case None:
            return FileAction.REVERT if known.active_by_file else FileAction.FORGET
        case Unusable():
            return FileAction.KEEP
    if found.digest == known.file_digest:
        return FileAction.TAKE_AGAIN if known.file_rejected else FileAction.NOTHING
    return FileAction.NOTHING if found.digest == known.here else FileAction.TAKE


def decide_default(known: Known, *, file_present: bool) -> DefaultAction:
    """Decide what becomes of a default that the package ships."""
    if known.has_default and known.default_same:
        # Stored but never activated: a run that was cut short.
        return DefaultAction.NOTHING if known.has_active else DefaultAction.ACTIVATE
    if not known.has_active:
        return DefaultAction.ACTIVATE
    if known.has_default and known.default_active and not known.pinned and not file_present:
        return DefaultAction.UPGRADE
    return DefaultAction.FLAG
