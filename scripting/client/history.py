"""The texts that a file has had in its git repository: a live text among them is only older, nobody else's."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from scripting.client.folder import BESIDE, STATE, digest_of
from scripting.sandbox import source_text

COMMITS = 1000
"""Commits of one file that are looked at, newest first."""


def was_in_git(path: Path, digest: str, of: Callable[[str], str] = digest_of, *, after: str = "") -> bool:
    """Whether the file had the text with this digest in a commit before. False where there is no git, or no repository.

    `of` is the digest of a text, or a ValueError where it has none; an empty digest stands for no file. Only commits `after` one count.
    """
    reach = [f"{after}..HEAD"] if after else []
    folder = next(each for each in path.absolute().parents if each.is_dir())
    name = str(path.absolute().relative_to(folder))
    commits = _git(folder, "log", f"-{COMMITS}", "--format=%H", *reach, "--", name)
    for commit in (commits or b"").decode().split():
        content = _git(folder, "show", f"{commit}:./{name}")
        if not digest if content is None else _is(content, digest, of):
            return True
    return False


def was_since(commit: str, path: Path, digest: str, of: Callable[[str], str] = digest_of) -> bool:
    """The same of the commits after one; none is after an empty one."""
    return bool(commit) and was_in_git(path, digest, of, after=commit)


def why_unknown(folder: Path) -> str:
    """Why git does not tell all texts that files here had, as a sentence; empty where it does, and where there is no repository."""
    folder = folder.absolute()
    if not any((each / ".git").exists() for each in (folder, *folder.parents)):
        return ""
    try:
        ran = subprocess.run(
            ["git", "rev-parse", "--is-shallow-repository"], cwd=folder, capture_output=True, check=False
        )
    except OSError:
        return "the program git is not here, so what its commits had is unknown: install it"
    if ran.returncode:
        said = ran.stderr.decode(errors="replace").strip().partition("\n")[0]
        return f"git does not tell what its commits had ({said})"
    if ran.stdout.strip() == b"true":
        return "this clone has a part of its history alone: fetch it whole (fetch-depth: 0, GIT_DEPTH: 0)"
    return ""


def last_pull(folder: Path) -> str:
    """The commit that brought what a folder knows of its server; empty where that is not committed as it is."""
    known = (str(STATE), str(BESIDE))
    commit = _git(folder, "log", "-1", "--format=%H", "--", *known)
    is_committed = bool(commit) and _git(folder, "diff", "--quiet", "HEAD", "--", *known) is not None
    return commit.decode().strip() if commit and is_committed else ""


def _is(content: bytes, digest: str, of: Callable[[str], str]) -> bool:
    try:
        return of(source_text.decode(content)) == digest
    except (source_text.NotText, ValueError):
        return False


def _git(folder: Path, *arguments: str) -> bytes | None:
    """The output of git in a folder; None where it fails."""
    try:
        ran = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)
    except OSError:
        return None
    return ran.stdout if ran.returncode == 0 else None
