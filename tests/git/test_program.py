"""Git is called with care: nothing of a repository runs, nothing leads out of it, time and size are bounded, no secret is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripting.conf import conf
from scripting.git.checks import check_git
from scripting.git.program import Git, GitFailed, branch_problem, url_problem, without_secrets
from scripting.git.repository import Repository
from tests.git.conftest import Origin, run
from tests.support.game import GOOD

pytestmark = pytest.mark.django_db  # the game of the fixture stands in the registry


def test_only_plain_files_with_names_of_ours_are_laid_out_and_no_hook_of_ours_or_theirs_runs(
    origin: Origin, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.py"
    secret.write_text("x = 1\n")
    folder = origin.clone / "scripts" / "chess_club"
    folder.mkdir(parents=True)
    (folder / "link.py").symlink_to(secret)
    (folder / "-rf.py").write_text(GOOD)
    (folder / "Loud.py").write_text(GOOD)
    (folder / "large.py").write_bytes(b"#" * ((1 << 20) + 1))
    origin.commit({"chess_club/dice.py": GOOD})
    repo = Repository()
    head = repo.fetch()
    assert oct(repo.root.stat().st_mode & 0o777) == "0o700"
    with repo.laid_out(head) as laid:
        assert [path.relative_to(laid).as_posix() for path in laid.rglob("*") if path.is_file()] == [
            "chess_club/dice.py"
        ]
    assert not laid.exists()
    ran = tmp_path / "ran"
    hook = repo.git.folder / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
    hook.chmod(0o755)
    origin.commit({"chess_club/dice.py": GOOD + "#\n"})
    repo.fetch()
    assert not ran.exists()


def test_a_repository_that_is_too_large_or_too_slow_is_given_up(origin: Origin, settings: Any, tmp_path: Path) -> None:
    origin.commit({"chess_club/dice.py": GOOD})
    settings.SCRIPTING_GIT_MAX_BYTES = 1
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nsleep 60\n")
    slow.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{slow.parent}:/usr/bin:/bin")
        git = Git(tmp_path)
        with pytest.raises(GitFailed, match=r"more than 1 bytes \(SCRIPTING_GIT_MAX_BYTES\)"):
            git.run("fetch")
        settings.SCRIPTING_GIT_SECONDS = 0.1
        with pytest.raises(GitFailed, match=r"git log took more than 0.1 s \(SCRIPTING_GIT_SECONDS\)"):
            git.run("log")
        patch.setenv("PATH", str(tmp_path))
        with pytest.raises(GitFailed, match="install it"):
            git.run("log")
        assert [each.id for each in check_git(None)] == ["scripting.W013"]


def test_an_address_with_a_secret_another_protocol_or_an_option_in_it_is_refused(origin: Origin, settings: Any) -> None:
    allowed = ["https", "ssh"]
    for url in ("https://git.example/rules.git", "ssh://git@git.example/rules", "git@git.example:rules.git"):
        assert url_problem(url, allowed) == ""
    for url in ("https://me:pass@git.example/x", "https://token@git.example/x", "ssh://git:pass@git.example/x"):
        assert "SCRIPTING_GIT_TOKEN" in url_problem(url, allowed)
    for url in ("file:///etc", "http://git.example/x", "ext::sh -c touch% x", "--upload-pack=x", "/srv/rules", ""):
        assert url_problem(url, allowed)
    for name in ("-f", "a..b", "", "a b", "x.lock", "/x", "a//b", "@{-1}"):
        assert branch_problem(name)
    assert branch_problem("release/1.2") == ""
    settings.SCRIPTING_GIT_PROTOCOLS = "https"
    assert [each.id for each in check_git(None)] == ["scripting.E016"]
    with pytest.raises(GitFailed, match="allows https"):
        Repository().fetch()
    git = Git(origin.bare)
    with pytest.raises(GitFailed, match="transport 'file' not allowed"):
        git.run("ls-remote", "--", origin.url)
    assert without_secrets("fatal: https://me:pass@git.example/x") == "fatal: https://…@git.example/x"


def test_the_token_reaches_git_by_its_environment_and_no_message(origin: Origin, settings: Any, tmp_path: Path) -> None:
    settings.SCRIPTING_GIT_TOKEN = "s3cret"
    shown = tmp_path / "bin" / "git"
    shown.parent.mkdir()
    shown.write_text('#!/bin/sh\necho "$@"; env\n')
    shown.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{shown.parent}:/usr/bin:/bin")
        patch.setenv("GIT_DIR", "/nowhere")
        patch.setenv("SECRET_KEY", "ours")
        told = Git(tmp_path).run("push", remote=True).decode()
        assert "Authorization: Basic Z2l0OnMzY3JldA==" in told
        assert "Authorization" not in told.splitlines()[0]
        assert "SECRET_KEY" not in told
        assert "/nowhere" not in told
        assert "Authorization" not in Git(tmp_path).run("log").decode()
    assert origin.url == conf.SCRIPTING_GIT_URL


def test_a_push_over_what_others_pushed_is_refused_and_forced_by_nothing(origin: Origin) -> None:
    origin.commit({"chess_club/dice.py": GOOD})
    repo = Repository()
    head = repo.fetch()
    theirs = origin.commit({"chess_club/dice.py": GOOD + "#\n"})
    run(origin.clone, "push", "-q", "origin", "HEAD:from-the-browser")
    with pytest.raises(GitFailed, match="git push"):
        repo.push(head)
    assert run(origin.bare, "rev-parse", "from-the-browser") == theirs
