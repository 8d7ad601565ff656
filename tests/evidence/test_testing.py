"""`scripting.testing` in a project of its own: a module's tests assert what its rules decide, with pytest alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import migrated
from tests.support.redis import RedisServer

CONFTEST = 'pytest_plugins = ["scripting.testing"]\n'
TESTS = """
import pytest

TANK = {"id": "t", "kind": "armour", "attack": 36, "range": 3}
SQUAD = {"id": "s", "kind": "infantry", "armour": 3, "terrain": "plain"}
SHELL = {"id": "a", "kind": "artillery", "attack": 32, "range": 6}
ORDER = {"playerID": "harbour", "action": "attack", "unitID": "t", "target": "s", "timestamp": 0}


def hit(attacker, distance):
    return {"gameID": "1", "turn": 1, "attacker": attacker, "target": SQUAD, "distance": distance, "timestamp": 0}


def test_a_tank_does_less_at_the_end_of_its_range_and_a_shell_does_not(rule):
    damage = rule("wargame/damage_calculator")
    near, far = (damage.run(hit(TANK, distance)).result["base_damage"] for distance in (1, 4))
    assert (near, far) == (36, 25)
    assert damage.run(hit(SHELL, 6)).result["base_damage"] == 32


def test_the_same_dice_give_the_same_damage(rule):
    damage = rule("wargame/damage_calculator")
    results = [damage.run(hit(TANK, 1), seed=seed).result["damage"] for seed in (1, 1, 2)]
    assert results[0] == results[1] != results[2]


def test_a_test_shot_reads_the_board(rule):
    request = {"http_request": {"body": {"attacker": "t", "target": "s"}}}
    shot = rule("wargame/hit_simulator").given(get_game_state={"units": [TANK, SQUAD]}).run(inputs=request)
    assert (shot.result["attacker"], shot.result["chance"], shot.error) == ("t", 0.85, None)
    unread = rule("wargame/hit_simulator").run(inputs=request)
    assert unread.left == "call 1: get_game_state()"
    refused = rule("wargame/hit_simulator").given(get_game_state=LookupError("no such battle")).run(inputs=request)
    assert "no such battle" in refused.error.message


def test_log_effects_and_errors_of_a_file_in_a_folder(rule, tmp_path):
    (tmp_path / "wargame").mkdir()
    file = tmp_path / "wargame" / "damage_calculator.py"
    file.write_text("log('hard')\\nresult = {'damage': -1}\\npublish_event('wargame.event.damage', {'damageAmount': 3})\\n")
    decided = rule("wargame/damage_calculator", folder=tmp_path).run(hit(TANK, 1))
    assert decided.log == ["hard"]
    assert decided.effects == [("publish_event", {"topic": "wargame.event.damage", "payload": {"damageAmount": 3}})]
    assert "damage" in decided.refusal
    file.write_text("result = 1 / 0\\n")
    decided = rule("wargame/damage_calculator", folder=tmp_path).run(hit(TANK, 1))
    assert (decided.error.type, decided.error.line) == ("execution", 1)


def test_what_the_game_does_not_have_is_said(rule):
    with pytest.raises(ValueError, match="name the topic of the payload"):
        rule("wargame/event_processor").run(ORDER)
    assert rule("wargame/event_processor").run(ORDER, topic="wargame.action").result["valid"] is True
    with pytest.raises(ValueError, match="event.payload"):
        rule("wargame/damage_calculator").run({"turn": "one"})
    with pytest.raises(ValueError, match="there is no script nosuch"):
        rule("wargame/nosuch").run()


@pytest.mark.parametrize("after", ["an empty database", "another test"])
def test_drain_runs_what_waits_on_the_bus(drain, after):
    from scripting.bus import publish
    from scripting.models import Execution

    publish("wargame.state.update", {"gameID": "1", "turn": 1, "phase": "move", "units": [], "timestamp": 0}, key="1")
    assert not Execution.objects.exists()
    assert drain() >= 1
    assert Execution.objects.get().status == "succeeded"
    assert drain() == 0
"""
INI = "[pytest]\nDJANGO_SETTINGS_MODULE = own_settings\naddopts = --strict-config --reuse-db\n"
SETTINGS = """
from goby_site.settings import *

DATABASES["default"]["TEST"] = {"NAME": %r}
"""


@pytest.mark.slow
def test_the_wargames_rules_are_tested_with_the_plugin_in_a_project_of_its_own(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    database = tmp_path / "test.sqlite3"
    migrated.copy_file(database)  # to migrate from nothing takes longer than these tests
    texts = {
        "conftest.py": CONFTEST,
        "test_rules.py": TESTS,
        "pytest.ini": INI,
        "own_settings.py": SETTINGS % str(database),
    }
    for name, text in texts.items():
        (project / name).write_text(text)
    own = {
        "GOBY_VAR": str(tmp_path / "var"),
        "REDIS_URL": redis_server.url,
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
    }
    hidden = ("DJANGO_SETTINGS_MODULE", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "TEST_DATABASE")
    environment = {name: value for name, value in os.environ.items() if name not in hidden} | own
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 passed" in done.stdout
