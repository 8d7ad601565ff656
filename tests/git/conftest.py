"""A real repository in a folder, a site that follows it, and who commits to it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.game import Game, game

__all__ = ["game"]

ANN = "Ann <ann@example.org>"


class Origin:
    """The repository that everybody pushes to, with a clone of somebody who works on it."""

    def __init__(self, root: Path) -> None:
        self.bare, self.clone = root / "origin.git", root / "clone"
        self.url = f"file://{self.bare}"
        run(root, "init", "-q", "--bare", "-b", "main", str(self.bare))
        run(root, "clone", "-q", str(self.bare), str(self.clone))

    def commit(self, files: dict[str, str | None], message: str = "a change", author: str = ANN) -> str:
        """Commit files below scripts/ and push them: the commit."""
        for name, text in files.items():
            path = self.clone / "scripts" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink() if text is None else path.write_text(text)
        run(self.clone, "add", "-A")
        run(self.clone, "commit", "-q", "--allow-empty", "-m", message, "--author", author)
        run(self.clone, "push", "-q", "origin", "HEAD:main")
        return run(self.clone, "rev-parse", "HEAD")

    def log(self, branch: str) -> list[str]:
        """Author and message of each commit of a branch that main has not, oldest first."""
        return run(self.bare, "log", "--reverse", "--format=%an <%ae>: %s", f"main..{branch}").splitlines()

    def show(self, branch: str, name: str) -> str:
        return run(self.bare, "show", f"{branch}:scripts/{name}")


def run(folder: Path, *arguments: str) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    env |= {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "Ann"), ("EMAIL", "ann@example.org"))}  # fmt: skip
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def origin(game: Game, tmp_path: Path, settings: Any) -> Origin:
    """Followed by the site."""
    made = Origin(tmp_path)
    settings.SCRIPTING_GIT_URL, settings.SCRIPTING_GIT_PROTOCOLS = made.url, "file"
    settings.SCRIPTING_GIT_DIR, settings.SCRIPTING_GIT_PUSH_BRANCH = tmp_path / "git", "from-the-browser"
    return made


def case(points: int) -> str:
    event = {"topic": "chess_club.roll", "payload": {"sides": 6}}
    return json.dumps({"event": event, "expect": [{"at": "result.points", "equal": points}]})
