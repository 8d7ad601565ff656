"""Whole plays compared: on the same seeds, in the order of the seeds, by an evidence worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripting import clock
from scripting.evidence import play_jobs, playing
from scripting.evidence.play_process import Played
from scripting.evidence.play_tally import MeasuresDiffer, PlayTally, document, sentence
from scripting.evidence.replays import candidate_of
from scripting.models import PlayComparison, Script
from scripting.registry.active import registry
from scripting.supervisor.interface import Cancellation
from scripting.types import Bundle
from scripting.workers.evidence_worker import EvidenceWorker
from tests.evidence.league import BROKEN, LIVE, LUCKY, League
from tests.support.arena import arena_registered, make_script
from tests.support.stack import wait_until
from tests.workers.processes import WorkerProcess


@pytest.fixture
def scorer(transactional_db: None) -> Iterator[Script]:
    with arena_registered(League):
        script = make_script(LIVE)
        registry.forget()
        yield script


def bundle(script: Script, text: str) -> Bundle:
    return candidate_of(script, text, "python")


def played(script: Script, text: str, plays: int = 30) -> PlayTally:
    tally = PlayTally()
    for _ in playing.compare(
        "arena", playing.sides_with("arena", {script.name: bundle(script, text)}), range(plays), tally
    ):
        pass
    return tally


@pytest.mark.slow
def test_live_against_live_differs_in_nothing(scorer: Script) -> None:
    tally = played(scorer, LIVE)
    found = document(tally, seed=0, asked=30, seconds=1)
    assert (found["plays"], found["same"], found["turned"], found["clear"]) == (30, 30, [], [])
    assert {(each["difference"], each["low"], each["high"]) for each in found["measures"].values()} == {(0, 0, 0)}
    assert sentence(found, "matches") == "30 matches: nothing differs"


def test_a_change_is_told_with_the_plays_that_it_turned(scorer: Script) -> None:
    tally = played(scorer, LUCKY)
    found = document(tally, seed=0, asked=30, seconds=1)
    points = found["measures"]["points"]
    assert points["clear"]
    assert points["low"] > 0
    assert points["draft"] - points["live"] == pytest.approx(points["difference"])
    turned = {(turn["live"], turn["draft"]): turn for turn in found["turned"]}
    assert turned
    for (before, after), turn in turned.items():
        sides = playing.sides_with("arena", {"scorer": bundle(scorer, LUCKY)})
        again = [playing.play_of("arena", side, turn["seeds"][0]).play.outcome for side in (sides.live, sides.draft)]
        assert again == [before, after]


def test_what_fails_is_decided_by_its_fallback_and_counted(scorer: Script) -> None:
    tally = played(scorer, BROKEN, 2)
    assert tally.same == 2, "the live version stands in"
    [(what, count)] = tally.failures[1].items()
    assert count == 20
    assert "division" in what


def test_a_module_that_names_other_measures_in_another_play_is_told_so() -> None:
    tally = PlayTally()
    tally.add(0, Played({"a": 1}, "", "", {}), Played({"a": 1}, "", "", {}))
    with pytest.raises(MeasuresDiffer, match=r"seed 1 .*\(b\)"):
        tally.add(1, Played({"a": 1, "b": 2}, "", "", {}), Played({"a": 1}, "", "", {}))


@pytest.mark.slow
def test_an_evidence_worker_plays_and_stops_as_soon_as_the_answer_is_clear(scorer: Script) -> None:
    sides = playing.sides_with("arena", {"scorer": bundle(scorer, LUCKY)})
    found = play_jobs.ask(scorer, sides, title="a draft", plays=200, seed=1)
    assert play_jobs.ask(scorer, sides, title="a draft", plays=200, seed=1) == found
    assert EvidenceWorker("eve").work_once(None)
    found.refresh_from_db()
    assert (found.state, found.document["asked"]) == ("done", 200)
    assert 20 <= found.played == found.document["plays"] < 200
    assert "points" in found.document["clear"]
    assert found.sentence.startswith(f"{found.played} matches: ")


SLOW = "\nfor _ in range(20_000):\n    pass\n"
PLAYS = 12
"""They take a few seconds together, and each second what was played is written."""


@pytest.mark.once
@pytest.mark.alone
def test_a_report_grows_while_it_is_played_and_a_killed_worker_s_plays_are_played_anew(
    damage: Script, tmp_path: Path
) -> None:
    assert damage.active_version is not None
    slow = candidate_of(damage, damage.active_version.text + SLOW, "python")
    sides = playing.sides_with("wargame", {"damage_calculator": slow})
    found = play_jobs.ask(damage, sides, title="a slow draft", plays=PLAYS, seed=1)
    with WorkerProcess(tmp_path, "eve", "--evidence").takes_jobs() as worker:
        wait_until(lambda: PlayComparison.objects.get().played > 0, 200, "it grows")
        worker.kill()
    found.refresh_from_db()
    assert (found.state, 0 < found.document["plays"] < PLAYS) == ("running", True)
    with WorkerProcess(tmp_path, "eva", "--evidence").takes_jobs():
        wait_until(lambda: PlayComparison.objects.get().state == "done", 200, "another worker plays them")
    found.refresh_from_db()
    assert (found.document["plays"], found.document["same"]) == (PLAYS, PLAYS), "it only takes longer"


def test_a_cancelled_comparison_may_be_asked_for_again(scorer: Script) -> None:
    sides = playing.sides_with("arena", {"scorer": bundle(scorer, LIVE)})
    found = play_jobs.ask(scorer, sides, title="a draft", plays=2, seed=1)
    assert play_jobs.cancel(found.pk)
    EvidenceWorker("eve").work_once(None)
    assert PlayComparison.objects.get().state == "cancelled"
    assert play_jobs.ask(scorer, sides, title="a draft", plays=2, seed=1) == found
    EvidenceWorker("eve").work_once(None)
    assert PlayComparison.objects.get().document["plays"] == 2


def test_plays_that_are_asked_for_again_while_a_cancelled_run_of_them_ends_are_left_to_the_next_run(
    scorer: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = playing.sides_with("arena", {"scorer": bundle(scorer, LIVE)})
    found = play_jobs.ask(scorer, sides, title="a draft", plays=3, seed=1)
    compare = playing.compare

    def asked_again_after_one(*args: Any, cancellation: Cancellation) -> Iterator[None]:
        for _ in compare(*args, cancellation=cancellation):
            yield
            play_jobs.cancel(found.pk)
            play_jobs.ask(scorer, sides, title="a draft", plays=3, seed=1)
            cancellation.cancel()

    monkeypatch.setattr(playing, "compare", asked_again_after_one)
    EvidenceWorker("eve").work_once(None)
    found.refresh_from_db()
    assert (found.state, found.played, found.sentence) == ("queued", 0, "waits for an evidence worker")


@pytest.mark.parametrize("fault", [None, MeasuresDiffer("other measures")])
def test_plays_that_are_asked_for_again_when_a_run_of_them_is_through_are_left_to_the_next_run(
    scorer: Script, monkeypatch: pytest.MonkeyPatch, fault: Exception | None
) -> None:
    sides = playing.sides_with("arena", {"scorer": bundle(scorer, LIVE)})
    found = play_jobs.ask(scorer, sides, title="a draft", plays=2, seed=1)
    compare = playing.compare

    def asked_again_at_the_end(*args: Any, cancellation: Cancellation) -> Iterator[None]:
        yield from compare(*args, cancellation=cancellation)
        play_jobs.cancel(found.pk)
        play_jobs.ask(scorer, sides, title="a draft", plays=2, seed=1)
        if fault:
            raise fault

    monkeypatch.setattr(playing, "compare", asked_again_at_the_end)
    EvidenceWorker("eve").work_once(None)
    found.refresh_from_db()
    assert (found.state, found.played, found.reason) == ("queued", 0, "")


def test_a_run_of_plays_ends_once_another_has_begun_them_anew(scorer: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    sides = playing.sides_with("arena", {"scorer": bundle(scorer, LIVE)})
    found = play_jobs.ask(scorer, sides, title="a draft", plays=3, seed=1)
    compare = playing.compare

    def begun_anew_after_one(*args: Any, cancellation: Cancellation) -> Iterator[None]:
        for _ in compare(*args, cancellation=cancellation):
            yield
            PlayComparison.objects.update(started_at=clock.now())
            wait_until(lambda: cancellation.cancelled, 20, "the run sees that another has begun")

    monkeypatch.setattr(playing, "compare", begun_anew_after_one)
    EvidenceWorker("eve").work_once(None)
    found.refresh_from_db()
    assert (found.state, found.played) == ("running", 0)
