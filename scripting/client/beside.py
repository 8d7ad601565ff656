"""Cases and values of knobs, which lie beside the texts of a folder and go with them to a server and back.

A case is `DIR/<module>/cases/<script>/<name>.json`, the values of a script's knobs are `DIR/<module>/knobs/<script>.json`. Like
a text each has three sides: the file, what is kept on the server, and what both last were.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from scripting.client import folder as folders
from scripting.client.folder import NAME, FolderWrong
from scripting.client.history import last_pull, was_in_git, was_since
from scripting.client.server import Server
from scripting.texts import case_text
from scripting.texts.plain_json import strict

CASES, KNOBS = "cases", "knobs"
CONFLICT = "conflict"


@dataclass(frozen=True)
class Item:
    """A case or a set of values on its three sides, each by its digest; empty where there is none."""

    kind: str
    label: str
    path: Path
    here: str
    live: str
    known: str
    text: str = ""
    """The server's."""
    pulled: str = ""
    """The commit of `known`."""
    conflict: str = ""
    """Digests of here and live when a pull last said that both sides had changed."""
    base: str | None = None
    """Of values: the digest by which the server knows those that are live; None from one that tells none."""

    @property
    def is_changed_here(self) -> bool:
        if self.here == self.live:
            return False
        return bool(self.here and self.here != self.known) or self.known == self.live or self._is_taken_back

    @property
    def is_overtaken(self) -> bool:
        """Whether the server has what this folder has never seen."""
        if self.live in (self.known, self.here) or not self.here or self._is_mended:
            return False
        if self.here == self.known or not self.live:
            return not self._is_taken_back
        return not was_in_git(self.path, self.live, DIGESTS[self.kind])

    @property
    def difference(self) -> str:
        """Who changed it, in words; empty where both sides are the same."""
        if self.here == self.live:
            return ""
        if self.is_overtaken:
            return "changed there" if self.here == self.known else "changed on both sides"
        if not self.here:
            return "deleted here" if self.is_changed_here else "only there"
        return "changed here" if self.live else "only here"

    @property
    def _is_mended(self) -> bool:
        """Whether somebody changed the file after the conflict with this very content of the server was told."""
        then, _, theirs = self.conflict.partition(" ")
        return bool(self.conflict) and theirs == self.live and then != self.here

    @cached_property
    def _is_taken_back(self) -> bool:
        """Whether the server's text stood in the file here in some commit after the last pull: CI pushed it, and it was taken back since."""
        return self.live != self.known and was_since(self.pulled, self.path, self.live, DIGESTS[self.kind])


def items_of(folder: Path, server: Server, pulled: str | None = None) -> list[Item]:
    """Every case and every set of values of either side; `pulled`: the commit of what is known, found where it is None.

    Raises FolderWrong, ServerRefused.
    """
    known = _known(folder)
    pulled = last_pull(folder) if pulled is None else pulled
    live = _live(folder, server)
    here = {path: kind for kind in (CASES, KNOBS) for path in _files(folder, kind)}
    found = []
    for path in sorted({*live, *here}):
        kind, label, text, base = live.get(path, ("", "", "", ""))
        kind = kind or here[path]
        label = label or _label(folder, path, kind)
        digest = DIGESTS[kind](text) if text else ""
        name = f"{kind} {label}"
        last, conflict = known.get(name, ""), known.get(f"{CONFLICT} {name}", "")
        found.append(Item(kind, label, path, _digest_here(path, kind), digest, last, text, pulled, conflict, base))
    return found


def pull(folder: Path, server: Server, *, force: bool = False) -> list[tuple[str, Path]]:
    """Write what is kept on the server, but over nothing that was changed here: what became of each, and its file.

    `written`, `deleted`, `kept` (it was changed here alone), or `conflict`. Raises FolderWrong, ServerRefused.
    """
    done, known = [], dict[str, str]()
    for item in items_of(folder, server):
        what = _pull(item, force=force)
        is_ours = what in ("kept", "conflict") and item.live
        known[f"{item.kind} {item.label}"] = item.known if is_ours else item.live
        if what == "conflict" and item.here:
            known[f"{CONFLICT} {item.kind} {item.label}"] = f"{item.here} {item.live}"
        elif what == "kept":
            known[f"{CONFLICT} {item.kind} {item.label}"] = item.conflict
        if what:
            done.append((what, item.path))
    remember(folder, known)
    return done


def _pull(item: Item, *, force: bool) -> str:
    if item.here == item.live:
        return ""
    if not force and (item.here != item.known or item.is_changed_here):
        return "conflict" if item.live and (item.is_overtaken or not item.is_changed_here) else "kept"
    if not item.live:
        item.path.unlink()
        return "deleted"
    folders.write(item.path, item.text)
    return "written"


def changed(items: list[Item]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The cases and the values of a release that brings what was changed here. Raises FolderWrong."""
    cases, knobs = [], []
    for item in items:
        if not item.is_changed_here:
            continue
        module, script, *name = item.label.split("/")
        if item.kind == CASES:
            document = json.loads(folders.text_of(item.path)) if item.here else None
            cases.append({"module": module, "script": script, "name": name[0], "case": document, "base": item.live})
        else:
            values = json.loads(folders.text_of(item.path)) if item.here else {}
            knobs.append({"module": module, "name": script, "values": values, "base": item.base})
    return cases, knobs


def remember_pushed(folder: Path, items: list[Item]) -> None:
    """After a release both sides are the same."""
    remember(folder, {f"{each.kind} {each.label}": each.here for each in items if each.here})


# -- the sides -----------------------------------------------------------------------------------------------------------


def _case_digest(text: str) -> str:
    return case_text.digest_of(case_text.encode(case_text.decode(text)))


def _values_digest(text: str) -> str:
    values = strict(text)
    if not isinstance(values, dict):
        raise ValueError("values are an object")  # noqa: TRY004 - as for every file that holds no such thing
    return folders.digest_of(json.dumps(values, sort_keys=True)) if values else ""


DIGESTS = {CASES: _case_digest, KNOBS: _values_digest}


def _digest_here(path: Path, kind: str) -> str:
    if not path.exists():
        if path.is_symlink():  # left out, it would be deleted on the server
            raise FolderWrong(f"{path} is a link to nothing: put the file there, or delete the link")
        return ""
    try:
        return DIGESTS[kind](folders.text_of(path))
    except ValueError as error:
        raise FolderWrong(f"{path}: {error}") from None


def _files(folder: Path, kind: str) -> list[Path]:
    pattern = "*/cases/*/*.json" if kind == CASES else "*/knobs/*.json"
    return [path for path in folder.glob(pattern) if not path.is_symlink() and _is_named(folder, path)]


def _is_named(folder: Path, path: Path) -> bool:
    return all(NAME.fullmatch(part) for part in (*path.relative_to(folder).parts[:-1], path.stem))


def _label(folder: Path, path: Path, kind: str) -> str:
    parts = path.relative_to(folder).parts
    return f"{parts[0]}/{parts[2]}/{path.stem}" if kind == CASES else f"{parts[0]}/{path.stem}"


def _live(folder: Path, server: Server) -> dict[Path, tuple[str, str, str, str | None]]:
    """By file: kind, label and text of what the server keeps; of values also the digest by which it knows them."""
    found: dict[Path, tuple[str, str, str, str | None]] = {}
    for each in server.get("cases"):
        label = f"{each['script']}/{each['name']}"
        module, script, name = _names(label, 3)
        found[folder / module / CASES / script / f"{name}.json"] = (CASES, label, each["document"], None)
    for each in server.get("scripts"):
        if values := each["knobs"]:
            module, script = _names(each["script"], 2)
            text = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
            found[folder / module / KNOBS / f"{script}.json"] = (KNOBS, each["script"], text, each.get("knobs_digest"))
    return found


def _names(label: str, count: int) -> list[str]:
    """The names in a server's label; a file is made of them. Raises FolderWrong."""
    names = label.split("/")
    if len(names) != count or not all(NAME.fullmatch(name) for name in names):
        raise FolderWrong(f"the server names something {label[:80]!r}, which cannot be a file's name")
    return names


def _known(folder: Path) -> dict[str, str]:
    try:
        document = json.loads((folder / folders.BESIDE).read_bytes())
        return {str(label): str(digest) for label, digest in document.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, RecursionError):
        raise FolderWrong(f"{folder / folders.BESIDE} is damaged: delete it, then pull") from None


def remember(folder: Path, known: Mapping[str, str]) -> None:
    kept = {label: digest for label, digest in sorted(known.items()) if digest}
    if kept or (folder / folders.BESIDE).exists():
        folders.write(folder / folders.BESIDE, json.dumps(kept, indent=1) + "\n")
