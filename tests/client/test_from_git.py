"""From a clone of a rules repository to a live rule through CI alone: a red case, a closed gate and a missing approval each stop it once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from scripting.access import tokens
from scripting.access.tokens import Wanted
from scripting.bus import publishing as bus
from scripting.bus.streams import Stream
from scripting.models import Activation, GatePolicy, Script
from scripting.registry import publishing
from scripting.registry.moves import AnyBase, AtGate
from scripting.sources import sync
from scripting.workers import drain_job
from tests.support.game import Game, game

__all__ = ["game"]

RULE = "result = {'points': message['payload']['sides']}\n"
CASE = {
    "event": {"topic": "chess_club.roll", "payload": {"sides": 6}},
    "expect": [{"at": "result.points", "between": [1, 6]}],
}
PIPELINE = """set -eu
goby check rules
goby test rules
goby push rules --ask-review -m "$(git log -1 --format=%s)" --commit "$(git rev-parse --short HEAD)"
"""


class Repository:
    """A repository of rules, and its CI: a clone of the last commit in which the pipeline runs."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment, self.runs = folder / "origin", environment, 0
        self.folder.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        named = ["-c", "user.name=ada", "-c", "user.email=ada@goby.example"]
        return subprocess.run(["git", *named, *arguments], cwd=self.folder, capture_output=True, text=True, check=True).stdout  # fmt: skip

    def commit(self, message: str, **files: Any) -> None:
        for name, content in files.items():
            path = self.folder / "rules" / name.replace("__", "/").replace("_json", ".json").replace("_py", ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    def ci(self, *how: str) -> subprocess.CompletedProcess[str]:
        self.runs += 1
        clone = self.folder.parent / f"run-{self.runs}"
        subprocess.run(["git", "clone", "-q", *how, self.folder.as_uri(), clone], check=True)
        return subprocess.run(["sh", "-c", PIPELINE], cwd=clone, env=self.environment, capture_output=True, text=True)


@pytest.fixture
def repository(game: Game, live_server: Any, tmp_path: Path) -> Repository:
    user = User.objects.create_user("ci", is_staff=True)
    permissions = ("view_script", "edit_script", "run_script", "publish_script")
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    _, text = tokens.make(Wanted("ci", user, ("read", "try", "publish")), actor=user, reason="our ci")
    game.ship("dice", RULE)
    sync.sync()
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "goby"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m scripting.client.main "$@"\n')
    command.chmod(0o755)
    own = {"GOBY_SERVER": live_server.url, "GOBY_TOKEN": text, "PATH": f"{command.parent}:{os.environ['PATH']}"}
    return Repository(tmp_path, {**os.environ, **own})


def live_text() -> str:
    version = Script.objects.get(module="chess_club", name="dice").active_version
    assert version is not None
    return version.text


@pytest.mark.slow
def test_a_rule_goes_live_through_ci_alone_once_its_cases_and_the_gate_let_it(repository: Repository) -> None:
    for sides in (4, 6, 8):
        bus.publish("chess_club.roll", {"sides": sides}, key="a")
    drain_job.drain_once(Stream.of("chess_club", "a", ""))
    GatePolicy.objects.create(mode="require", max_changed=50, last=100, approval="above", alone=0)

    # The repository begins with what is live.
    subprocess.run(["goby", "pull", "rules"], cwd=repository.folder, env=repository.environment, check=True)
    repository.commit("what was live")

    # A case is red.
    repository.commit(
        "more points", chess_club__dice_py="result = {'points': 7}\n", chess_club__cases__dice__bounds_json=CASE
    )
    ran = repository.ci()
    assert ran.returncode == 1
    assert "rules/chess_club/cases/dice/bounds.json: result.points: expected" in ran.stdout
    assert live_text() == RULE

    # The cases hold, but too many decisions would change.
    repository.commit("half the points", chess_club__dice_py="result = {'points': message['payload']['sides'] // 2}\n")
    ran = repository.ci()
    assert ran.returncode == 1
    assert "the gate is closed: 100 % of 3 decisions would change" in ran.stderr
    assert live_text() == RULE

    # Few change, and nobody else has looked at it.
    rule = "sides = message['payload']['sides']\nresult = {'points': min(sides, 6)}\n"
    repository.commit("six points at the most", chess_club__dice_py=rule)
    ran = repository.ci()
    assert ran.returncode == 1
    assert "the gate is closed: nobody else has approved it yet" in ran.stderr
    asked = re.search(r"asked for review \d+: http://[^/]+(/\S+)", ran.stderr)
    assert asked
    assert live_text() == RULE

    # Somebody approves it in the browser.
    rita = User.objects.create_user("rita", is_staff=True)
    rita.user_permissions.set(Permission.objects.filter(codename__in=("view_script", "approve_review")))
    browser = Client()
    browser.force_login(rita)
    assert "six points at the most" in browser.get(asked[1]).content.decode()
    assert browser.post(asked[1], {"act": "approve", "words": "fine"}).status_code == 302
    ran = repository.ci()
    assert (ran.returncode, ran.stderr) == (0, ran.stderr)
    assert live_text() == rule
    activation = Activation.objects.latest("id")
    assert activation.reason == f"six points at the most ({repository.git('rev-parse', '--short', 'HEAD').strip()})"
    assert activation.review is not None
    assert activation.review.decided_by == rita
    [evidence] = activation.evidence.all()
    assert (evidence.decided, evidence.changed, evidence.failing) == (3, 1, 0)

    # Somebody publishes in the browser: it is not overwritten.
    script = Script.objects.get(module="chess_club", name="dice")
    publishing.publish(
        script,
        "python",
        f"{rule}# by hand\n",
        actor=None,
        reason="in the browser",
        base=AnyBase,
        at_gate=AtGate("urgent"),
    )
    repository.commit("five points", chess_club__dice_py=rule.replace("6", "5"))
    ran = repository.ci()
    assert ran.returncode == 1
    assert "changed there since your last pull: chess_club/dice" in ran.stderr


@pytest.mark.slow
def test_a_commit_that_is_taken_back_goes_live_and_what_was_rolled_back_in_the_browser_is_not_overwritten(
    repository: Repository,
) -> None:
    subprocess.run(["goby", "pull", "rules"], cwd=repository.folder, env=repository.environment, check=True)
    repository.commit("pulled", chess_club__cases__dice__six_json=CASE)
    assert repository.ci().returncode == 0
    changed = {"chess_club__cases__dice__six_json": {**CASE, "note": "changed"}}
    added = {"chess_club__cases__dice__seven_json": CASE}
    repository.commit("doubled", chess_club__dice_py=f"{RULE}# doubled\n", **changed, **added)
    assert repository.ci().returncode == 0
    script = Script.objects.get(module="chess_club", name="dice")
    assert (live_text() == RULE, script.cases.kept().count()) == (False, 2)

    repository.git("revert", "--no-edit", "HEAD")
    ran = repository.ci()
    assert (ran.returncode, ran.stderr, live_text()) == (0, ran.stderr, RULE)
    assert script.cases.kept().get().decoded().note == ""

    # The folder is pulled anew; then somebody goes back in the browser to a text that an earlier commit had.
    subprocess.run(["goby", "pull", "rules"], cwd=repository.folder, env=repository.environment, check=True)
    repository.commit("pulled again")
    publishing.publish(script, "python", f"{RULE}# doubled\n", actor=None, reason="better so", base=AnyBase)
    ran = repository.ci()
    assert (ran.returncode, live_text()) == (1, f"{RULE}# doubled\n")
    assert "changed there since your last pull: chess_club/dice" in ran.stderr


@pytest.mark.slow
def test_a_push_from_a_clone_without_its_history_is_told_to_fetch_it(repository: Repository) -> None:
    subprocess.run(["goby", "pull", "rules"], cwd=repository.folder, env=repository.environment, check=True)
    repository.commit("pulled", chess_club__cases__dice__six_json=CASE)
    for number in range(2):
        repository.commit(f"change {number}", chess_club__dice_py=f"{RULE}# change {number}\n")
        ran = repository.ci("--depth", "1")
    assert ran.returncode == 1
    assert "changed there since your last pull, or only older: chess_club/dice" in ran.stderr
    assert "fetch it whole (fetch-depth: 0" in ran.stderr
    assert repository.ci().returncode == 0
