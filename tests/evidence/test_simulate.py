"""`manage.py simulate`: what it says, in a document and in words, and how it exits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripting.models import Script
from scripting.registry.active import registry
from tests.commands.conftest import manage
from tests.evidence.league import LIVE, LUCKY, League
from tests.support.arena import arena_registered, make_script

__all__ = ["manage"]


@pytest.fixture
def scorer(transactional_db: None) -> Iterator[Script]:
    with arena_registered(League):
        script = make_script(LIVE)
        registry.forget()
        yield script


def test_the_document_names_its_plays_as_the_module_does_and_has_each_measure(
    scorer: Script, manage: Callable, tmp_path: Path
) -> None:
    lucky = tmp_path / "lucky.py"
    lucky.write_text(LUCKY)
    ran = manage("simulate", "arena", "--script", "scorer", "--source", str(lucky), "--matches", "25", "--json")
    assert ran.code == 0
    assert ran.json["matches"] == 25
    assert ran.json["seconds"] > 0
    assert set(ran.json["measures"]) == {"points", "ada wins", "bo wins"}
    points = ran.json["measures"]["points"]
    assert set(points) == {"live", "draft", "difference", "low", "high"}
    assert 0 < points["low"] < points["difference"] == pytest.approx(points["draft"] - points["live"])


def test_live_is_played_against_itself_and_the_same_seed_tells_the_same(scorer: Script, manage: Callable) -> None:
    first, second = (manage("simulate", "arena", "--plays", "3", "--seed", "9", "--json").json for _ in range(2))
    assert first["measures"] == second["measures"]
    assert (first["same"], first["turned"]) == (3, [])
    ran = manage("simulate", "arena", "--plays", "3")
    assert "arena: 3 matches: nothing differs" in ran.out


def test_measures_that_are_shares_are_told_in_percent(scorer: Script, manage: Callable, tmp_path: Path) -> None:
    lucky = tmp_path / "lucky.py"
    lucky.write_text(LUCKY)
    ran = manage("simulate", "arena", "--script", "scorer", "--source", str(lucky), "--plays", "20", "--seed", "0")
    assert "arena: 20 matches: points of both +" in ran.out
    row = next(line for line in ran.out.splitlines() if line.startswith("ada wins"))
    assert re.match(r"ada wins +\d+ % +\d+ % +([+\N{MINUS SIGN}]\d+|0) pp +", row)
    assert all(float(points) <= 100 for points in re.findall(r"([\d.]+) pp", row)), "no two shares differ by more"
    assert not re.search(r"points .*(%|pp)", ran.out.split("measure", 1)[1].splitlines()[1])


@pytest.mark.slow
def test_it_may_stop_as_soon_as_the_answer_is_clear(scorer: Script, manage: Callable, tmp_path: Path) -> None:
    lucky = tmp_path / "lucky.py"
    lucky.write_text(LUCKY)
    ran = manage(
        "simulate", "arena", "--script", "scorer", "--source", str(lucky), "--plays", "100", "--stop-early", "--json"
    )
    assert 20 <= ran.json["matches"] < 100
    assert "points" in ran.json["clear"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nowhere",), 2, "there is no module nowhere"),
        (("shared",), 2, "name the module that uses them"),
        (("arena", "--script", "scorer"), 2, "give --script and --source together"),
        (("arena", "--plays", "0"), 2, "write a number from 1 to 10000"),
        (("arena", "--seed", "-1"), 2, "write a whole number from 0"),
        (
            ("arena", "--script", "ghost", "--source", "broken.py"),
            2,
            "there is no script arena/ghost (scripts: scorer)",
        ),
        (("arena", "--script", "scorer", "--source", "broken.py"), 1, "it does not pass its check: line 1"),
    ],
)
def test_what_cannot_be_played_is_said_with_its_reason(
    scorer: Script,
    manage: Callable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.py").write_text("result = (\n")
    ran = manage("simulate", *arguments)
    assert ran.code == code
    assert said in ran.err


def test_a_module_without_a_simulation_is_told_so(manage: Callable) -> None:
    with arena_registered():
        ran = manage("simulate", "arena")
    assert (ran.code, "does not simulate its play" in ran.err) == (1, True)
