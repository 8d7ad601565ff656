"""The texts that a file has had in its git repository: a live text among them is only older, nobody else's."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from scripting.client.folder import digest_of
from scripting.sandbox import source_text

COMMITS = 1000
"""Commits of one file that are looked at, newest first."""


def was_in_git(path: Path, digest: str, of: Callable[[str], str] = digest_of) -> bool:
    """Whether the file had the text with this digest in a commit before. False where there is no git, or no repository.

    `of` is the digest of a text, or a ValueError where it has none.
    """
    commits = _git(path, "log", f"-{COMMITS}", "--format=%H", "--", path.name)
    for commit in (commits or b"").decode().split():
        content = _git(path, "show", f"{commit}:./{path.name}")
        if content is not None and _is(content, digest, of):
            return True
    return False


def _is(content: bytes, digest: str, of: Callable[[str], str]) -> bool:
    try:
        return of(source_text.decode(content)) == digest
    except (source_text.NotText, ValueError):
        return False


def _git(path: Path, *arguments: str) -> bytes | None:
    """The output of git in the file's folder; None where it fails."""
    try:
        ran = subprocess.run(["git", *arguments], cwd=path.parent, capture_output=True, check=False)
    except OSError:
        return None
    return ran.stdout if ran.returncode == 0 else None
