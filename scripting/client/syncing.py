"""Bring a folder and a server together: three sides for each script, which are the file, the live version, and what both last were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

from scripting.client import beside, stubs
from scripting.client import folder as folders
from scripting.client.folder import Known, RuleFile
from scripting.client.history import last_pull, was_in_git, was_since, why_unknown
from scripting.client.server import Server, ServerRefused
from scripting.texts.merge import merge


class Side(Enum):
    """Who changed a script since both were last the same."""

    NOBODY = "same"
    HERE = "changed here"
    THERE = "changed there"
    BOTH = "changed on both sides"
    NEW_HERE = "only here"
    NEW_THERE = "only there"


@dataclass(frozen=True)
class Compared:
    """One script on three sides."""

    label: str
    side: Side
    here: RuleFile | None
    live: dict[str, Any] | None
    known: Known | None

    @property
    def number(self) -> int:
        """Of the live version, 0 for none."""
        return int(self.live["number"]) if self.live else 0


def compare(
    folder: Path,
    server: Server,
    was_before: Callable[[Path, str], bool] = was_in_git,
    was_since_known: Callable[[Path, str], bool] | None = None,
) -> list[Compared]:
    """Every script of the folder and of the server, by name; `was_before`: whether a file had the text with this digest,
    `was_since_known`: whether it had it after what is known of the server was told.

    Raises FolderWrong, ServerRefused.
    """
    here = {rule.label: rule for rule in folders.rules_in(folder)}
    there = {each["script"]: each["live"] for each in server.get("scripts") if each["live"]}
    known = folders.known_of(folder)
    since = was_since_known or partial(was_since, last_pull(folder))
    return [
        _compared(label, here.get(label), there.get(label), known.get(label), was_before, since)
        for label in sorted({*here, *there})
    ]


def _compared(
    label: str,
    here: RuleFile | None,
    live: dict[str, Any] | None,
    known: Known | None,
    was_before: Callable[[Path, str], bool],
    was_since_known: Callable[[Path, str], bool],
) -> Compared:
    if here is None:
        return Compared(label, Side.NEW_THERE, here, live, known)
    if live is None:
        return Compared(label, Side.NEW_HERE, here, live, known)
    if here.digest == live["digest"]:
        side = Side.NOBODY
    elif known is not None and known.digest == live["digest"]:
        side = Side.HERE
    elif known is not None and known.digest == here.digest:
        # A commit that CI pushed and that was taken back since changed it here.
        side = Side.HERE if was_since_known(here.path, live["digest"]) else Side.THERE
    elif _is_mended(known, here, live) or was_before(here.path, live["digest"]):
        side = Side.HERE
    else:
        side = Side.BOTH
    return Compared(label, side, here, live, known)


def _is_mended(known: Known | None, here: RuleFile, live: dict[str, Any]) -> bool:
    """Whether somebody changed the file after a pull told of the conflict with this very live text."""
    if known is None or known.conflict is None:
        return False
    then, theirs = known.conflict
    return theirs == live["digest"] and then != here.digest


@dataclass(frozen=True)
class Pulled:
    """The effect of a pull on one script: `written`, `merged`, `kept` (it was changed here alone), `same`, or `conflict`."""

    label: str
    what: str
    path: Path


def pull(folder: Path, server: Server, *, force: bool = False) -> list[Pulled]:
    """Write the live texts into the folder. What was changed on both sides is merged where that is clear; else it stays as it is.

    `force` takes the server's text everywhere. Raises FolderWrong, ServerRefused.
    """
    known, done = folders.known_of(folder), []
    for each in compare(folder, server):
        if each.live is None:
            continue
        pulled = _pull(folder, server, each, force=force)
        done.append(pulled)
        if pulled.what == "conflict" and each.here is not None:
            before = each.known or Known(0, "")
            known[each.label] = replace(before, conflict=(each.here.digest, each.live["digest"]))
        elif pulled.what != "kept":
            known[each.label] = Known(each.number, each.live["digest"])
    folders.remember(folder, known)
    stubs.remember(folder, server)
    return done


def _pull(folder: Path, server: Server, each: Compared, *, force: bool) -> Pulled:
    assert each.live is not None
    module, name = each.label.split("/")
    path = folders.path_of(folder, module, name, each.live["language"])
    if each.side is Side.NOBODY:
        return Pulled(each.label, "same", path)
    if each.side is Side.HERE and not force:
        assert each.here is not None
        return Pulled(each.label, "kept", each.here.path)
    text = _version(server, each.label, each.number)["source"]
    what = "written"
    if each.side is Side.BOTH and not force:
        merged = _merged(server, each, text)
        if merged is None:
            assert each.here is not None
            return Pulled(each.label, "conflict", each.here.path)
        text, what = merged, "merged"
    folders.write(path, text)
    if each.here is not None and each.here.path != path:
        each.here.path.unlink()  # the live version is in another language
    return Pulled(each.label, what, path)


def _merged(server: Server, each: Compared, theirs: str) -> str | None:
    """Both changes in one text; None where a person decides, or there is no text that both began with."""
    assert each.here is not None
    assert each.live is not None
    if each.known is None or each.here.language != each.live["language"]:
        return None
    try:
        base = _version(server, each.label, each.known.number)
    except ServerRefused:
        return None
    made = merge(base["source"], theirs, each.here.text)
    return made.decided(()) if made.is_clean and base["language"] == each.here.language else None


def _version(server: Server, label: str, number: int) -> dict[str, Any]:
    found: dict[str, Any] = server.get(f"scripts/{label}/versions/{number}")
    return found


class BothChanged(Exception):
    """Scripts changed here and there since the last pull: nothing was pushed."""

    def __init__(self, labels: Sequence[str], folder: Path) -> None:
        self.labels = tuple(labels)
        unknown = why_unknown(folder)
        what = "changed there since your last pull" + (", or only older" if unknown else "")
        super().__init__(f"{what}: {', '.join(labels)}; nothing is pushed: {unknown or 'pull, then push'}")


def push(
    folder: Path,
    server: Server,
    *,
    reason: str,
    commit: str = "",
    dry_run: bool = False,
    confirmed: bool = False,
    ask: bool = False,
) -> dict[str, Any]:
    """Make the files that differ live, all of them in one release or none: the server's answer.

    `ask` asks for a review of them where nothing lacks but somebody's approval; the refusal then names it.
    Raises BothChanged, FolderWrong, ServerRefused.
    """
    folders.some_rules_in(folder)  # one that was moved would take its cases and values away on the server
    compared = [each for each in compare(folder, server) if each.here is not None]
    if both := [each.label for each in compared if each.side in (Side.BOTH, Side.THERE)]:
        raise BothChanged(both, folder)
    changed = [each for each in compared if each.side in (Side.HERE, Side.NEW_HERE)]
    items = beside.items_of(folder, server)
    if overtaken := [str(each.path) for each in items if each.is_overtaken]:
        raise BothChanged(overtaken, folder)
    cases, knobs = beside.changed(items)
    answer: dict[str, Any] = {"published": [], "unchanged": [], "dry_run": dry_run, "findings": {}}
    if changed or cases or knobs:
        scripts = [_release_text(each) for each in changed]
        release = {"reason": reason, "commit": commit, "scripts": scripts, "dry_run": dry_run, "confirmed": confirmed}
        release |= {"cases": cases, "knobs": knobs}
        try:
            answer = server.post("releases", release)
        except ServerRefused as refused:
            if not ask or dry_run or not refused.problem.get("may_ask"):
                raise
            review = server.post("reviews", {"reason": reason, "commit": commit, "scripts": scripts, "knobs": knobs})
            raise ServerRefused(f"{refused}\nasked for review {review['review']}: {review['page']}", refused.problem) from None  # fmt: skip
    if not dry_run:
        known = folders.known_of(folder)
        for each in compared:
            if each.side is Side.NOBODY and each.live is not None:
                known[each.label] = Known(each.number, each.live["digest"])
        for published in answer["published"]:
            known[published["script"]] = Known(published["version"], published["digest"])
        folders.remember(folder, known)
        beside.remember_pushed(folder, items)
    return {**answer, "cases": len(cases), "knobs": len(knobs)}


def _release_text(each: Compared) -> dict[str, Any]:
    rule = each.here
    assert rule is not None
    text = {"module": rule.module, "name": rule.name, "language": rule.language, "source": rule.text}
    return {**text, "base": each.number}
