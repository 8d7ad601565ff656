"""The three sides of each file of a commit: the file, what is live, and what both last were. The comparison is that of `goby push`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripting.client import beside, syncing
from scripting.client import folder as folders
from scripting.client.beside import Item
from scripting.client.folder import Known
from scripting.client.server import Server
from scripting.client.syncing import Compared, Side
from scripting.git.repository import Repository
from scripting.models import Activation, Case, GitFile, Script, ScriptVersion
from scripting.sandbox import source_text

State = GitFile.State
Key = tuple[str, str]
"""Kind and label of a file."""
STATES = {
    Side.NOBODY: State.SAME,
    Side.HERE: State.THEIRS,
    Side.NEW_HERE: State.THEIRS,
    Side.THERE: State.OURS,
    Side.BOTH: State.DRIFT,
}
BY_PEOPLE = (Activation.Cause.PUBLISH, Activation.Cause.ROLLBACK)


class LiveSite(Server):
    """This site itself, asked as `goby` asks a server."""

    def __init__(self) -> None:
        super().__init__("", "")

    def get(self, address: str) -> Any:
        if address == "cases":
            kept = Case.objects.kept().filter(script__in=Script.objects.in_use()).select_related("script")
            return [
                {"script": str(case.script), "name": case.name, "document": case.document}
                for case in kept.order_by("script_id", "name")
            ]
        assert address == "scripts"
        found = Script.objects.in_use().select_related("active_version", "active_knobs")
        return [{"script": str(each), "live": _live(each.active_version), **_values_told(each)} for each in found]


@dataclass(frozen=True)
class One:
    """One file on its sides; digests are empty where there is none."""

    kind: str
    label: str
    state: State
    theirs: str
    """Digest of the file."""
    ours: str
    """Digest of what is live."""
    path: str
    """In the repository's folder of rules."""
    content: str = ""
    """Of the file."""
    number: int = 0
    language: str = ""
    base: str = ""
    """Of values: the digest of the set that is live."""

    @property
    def key(self) -> Key:
        return self.kind, self.label

    @property
    def names(self) -> list[str]:
        return self.label.split("/")


@dataclass(frozen=True)
class Sides:
    """Everything of a commit that is ours to look at."""

    found: tuple[One, ...] = field(default=())

    def of(self, *states: State) -> list[One]:
        return [one for one in self.found if one.state in states]


def key_of(parts: tuple[str, ...]) -> Key | None:
    """The key of the file that has this path in the rules' folder; None for what cannot be one of ours."""
    match parts:
        case (module, name) if folders.is_rule(Path(module, name)):
            return "text", f"{module}/{Path(name).stem}"
        case (module, "knobs", name) if _is_json(module, name):
            return "knobs", f"{module}/{Path(name).stem}"
        case (module, "cases", script, name) if _is_json(module, name) and folders.NAME.fullmatch(script):
            return "cases", f"{module}/{script}/{Path(name).stem}"
    return None


def _is_json(module: str, name: str) -> bool:
    path = Path(name)
    return path.suffix == ".json" and all(map(folders.NAME.fullmatch, (module, path.stem)))


def sides_of(repo: Repository, sha: str, folder: Path, rows: Iterable[GitFile], below: str) -> Sides:
    """Compare the files of a commit, laid out in a folder, with what is live. Raises FolderWrong."""
    known = {(row.kind, row.label): row for row in rows}
    folders.remember(
        folder,
        {label: Known(row.number, row.digest) for (kind, label), row in known.items() if kind == "text" and row.digest},
    )
    beside.remember(folder, {f"{kind} {label}": row.digest for (kind, label), row in known.items() if kind != "text"})
    defaults = {version.sha256 for each in _untouched() if (version := each.active_version) is not None}

    def was_before(path: Path, digest: str) -> bool:
        if digest in defaults:
            return True  # nobody here wrote it
        return any(_digest(content) == digest for content in repo.texts_of(below + str(path.relative_to(folder)), sha))

    server = LiveSite()
    compared = syncing.compare(folder, server, was_before, lambda path, digest: False)  # rows are never behind
    found = [one for each in compared if (one := _of_text(folder, each, known.get(("text", each.label)), sha, repo))]
    items = beside.items_of(folder, server, "")
    found += [one for item in items if (one := _of_item(folder, item, known.get((item.kind, item.label))))]
    return Sides(tuple(found))


def _of_text(folder: Path, each: Compared, row: GitFile | None, sha: str, repo: Repository) -> One | None:
    """None for what is only here and ours by default."""
    ours = each.live["digest"] if each.live else ""
    if each.here is not None:
        path, state, theirs, content = each.here.path, STATES[each.side], each.here.digest, each.here.text
        language = each.here.language
        if state == State.DRIFT and row and is_taken(row, theirs, ours):
            state = State.THEIRS
    else:
        module, name = each.label.split("/")
        script = Script.objects.named(module, name).get()
        if row is not None and row.digest:
            state = State.GONE
        elif script.is_overridden and script.activations.filter(cause__in=BY_PEOPLE).exists():
            state = State.OURS
        else:
            return None
        assert each.live is not None
        language = each.live["language"]
        path, theirs, content = folders.path_of(folder, module, name, language), "", ""
    relative = str(path.relative_to(folder))
    return One("text", each.label, state, theirs, ours, relative, content, each.number, language)


def _of_item(folder: Path, item: Item, row: GitFile | None) -> One | None:
    """A case, or values of knobs. None for what is only here and ours by default."""
    if item.here == item.live:
        state = State.SAME
    elif item.here == item.known:
        state = State.OURS  # also what is nowhere but here
    elif item.live == item.known:
        state = State.THEIRS
    else:
        state = State.DRIFT
    if item.kind == "cases" and state in (State.OURS, State.DRIFT) and item.live and item.live != item.known:
        module, script, name = item.label.split("/")
        of = {"script__module": module, "script__name": script, "name": name}
        written_here = Case.objects.filter(**of, origin=Case.Origin.EDITOR).exists()
        if not written_here:
            state = State.THEIRS
            if not item.here:
                return None
    if not item.here and not item.known and state != State.OURS:
        return None
    if state == State.DRIFT and row and is_taken(row, item.here, item.live):
        state = State.THEIRS
    content = folders.text_of(item.path) if item.here else ""
    path = str(item.path.relative_to(folder))
    return One(item.kind, item.label, state, item.here, item.live, path, content, base=item.base or "")


def is_taken(row: GitFile, theirs: str, ours: str) -> bool:
    """Whether a person decided to take exactly this over exactly that."""
    return row.decision == GitFile.Decision.TAKE and (row.theirs_digest, row.ours_digest) == (theirs, ours)


def live_text(one: One) -> str:
    """The live text as its file would hold it; empty where nothing is live."""
    module, name, *case = one.names
    script = Script.objects.named(module, name).select_related("active_version", "active_knobs").first()
    if script is None:
        return ""
    if one.kind == "text":
        return script.active_version.editable_text if script.active_version else ""
    if one.kind == "knobs":
        values = _values(script)
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n" if values else ""
    kept = Case.objects.kept().filter(script=script, name=case[0]).first()
    return kept.document if kept else ""


def _untouched() -> list[Script]:
    """Scripts that run their embedded default."""
    found = Script.objects.in_use().exclude(active_version=None).select_related("active_version")
    return [script for script in found if not script.is_overridden]


def _live(version: ScriptVersion | None) -> dict[str, Any] | None:
    if version is None:
        return None
    return {"number": version.number, "digest": version.sha256, "language": version.language}


def _values(script: Script) -> dict[str, Any]:
    return script.active_knobs.all_values if script.active_knobs else {}


def _values_told(script: Script) -> dict[str, Any]:
    return {"knobs": _values(script), "knobs_digest": script.active_knobs.digest if script.active_knobs else ""}


def _digest(content: bytes) -> str:
    try:
        return folders.digest_of(source_text.decode(content))
    except source_text.NotText:
        return ""
