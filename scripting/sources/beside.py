"""The file that lies beside a script: what is published or rolled back to lasts until that is saved the next time."""

from __future__ import annotations

from dataclasses import dataclass

from scripting.models import Script
from scripting.registry import storing
from scripting.sources.folder import ScriptFile, Unusable, file_digest, look_up, scripts_dir
from scripting.sources.steps import UNUSABLE, WAITS, first_error

ACTIVE, REJECTED, WAITING, HELD, DIFFERS = "active", "rejected", "waiting", "held", "differs"
CANNOT_BE_TAKEN = "unusable"


@dataclass(frozen=True)
class FileBeside:
    """A script's file that holds another text than the one in question."""

    path: str
    problem: str = ""
    """Why it cannot be taken; empty where it can."""

    def __str__(self) -> str:
        if self.problem:
            return f"{self.path} {self.problem}: it is not taken before that is mended"
        return f"{self.path} holds another text, and takes over when it is saved the next time"


def file_state(script: Script) -> str:
    """Of the file last seen: `active` (its text runs), `rejected`, `waiting` (for its replay), `held` (by the gate), `unusable` (it cannot
    be read as a script's), `differs` (something else runs), or empty for none."""
    if script.held.startswith(UNUSABLE):
        return CANNOT_BE_TAKEN
    if not script.file_digest:
        return ""
    version = script.active_version
    if version is not None and script.file_digest == file_digest(script.name, version.language, bytes(version.content)):
        return ACTIVE
    if not script.rejected_basis:
        return DIFFERS
    return REJECTED if not script.held else WAITING if script.held == WAITS else HELD


def why_not_taken(script: Script) -> str:
    """The first error of the script's file, if it is rejected; why the gate holds it, if that does; why it cannot be taken."""
    match file_state(script):
        case "waiting" | "held":
            return script.held
        case "unusable":
            return script.held.removeprefix(UNUSABLE)
        case "active" | "differs" | "":
            return ""
    for version in script.versions.rejected().order_by("-number"):
        if script.file_digest == file_digest(script.name, version.language, bytes(version.content)):
            return first_error(map(storing.diagnostic_of, version.diagnostics))
    return ""


def file_beside(script: Script, language: str, content: bytes) -> FileBeside | None:
    """The script's file, if it holds another text than `content`; where the folder is on another machine, as it was last seen."""
    match look_up(scripts_dir(), script.module, script.name):
        case ScriptFile() as found:
            same = (found.language, found.content) == (language, content)
            return None if same else FileBeside(found.path)
        case Unusable() as found:
            return FileBeside(found.path, found.reason)
    if not script.file_digest or script.file_digest == file_digest(script.name, language, content):
        return None
    return FileBeside(f"{scripts_dir().name}/{script.module}/{script.name}.*")
