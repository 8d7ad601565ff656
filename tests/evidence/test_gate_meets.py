"""The gate where several meet: people at once, an evidence worker, releases with new defaults, files that go away."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connections

from scripting.evidence import cases
from scripting.evidence.gate import weigh_now, with_evidence
from scripting.hot_reload.watcher import Watcher
from scripting.models import Activation, Script
from scripting.registry import publishing, schedules
from scripting.registry.gate import GateClosed
from scripting.registry.gate_policies import Mode, set_policy
from scripting.registry.moves import AnyBase, AtGate
from scripting.sources import sync
from scripting.texts import case_text
from scripting.workbench import tuning
from scripting.workbench.access import Refusal
from scripting.workers.evidence_worker import EvidenceWorker
from tests.evidence.gated import GOOD, person, scorer, text_of, what_runs
from tests.support.game import BETTER, Game, game
from tests.support.game import GOOD as SHIPPED

__all__ = ["game", "scorer"]


def test_an_evidence_worker_makes_what_a_saved_file_waits_for(scorer: Script, tmp_path: Path) -> None:
    file = tmp_path / "scripts" / "arena" / "scorer.py"
    file.parent.mkdir()
    file.write_text(text_of(GOOD))
    watcher = Watcher()
    assert [step.outcome for step in watcher.look()] == ["waiting"]
    assert watcher.look() == [], "a second look asks for no second job"
    worker = EvidenceWorker("eve")
    assert worker.work_once(None)
    assert not worker.work_once(None)
    assert [step.outcome for step in watcher.look()] == ["activated"]
    assert what_runs() == (2, 1)


@pytest.mark.slow
def test_of_two_who_publish_at_once_each_goes_live_with_evidence_against_what_was_live_then(scorer: Script) -> None:
    def publish(body: str) -> None:
        script = Script.objects.get(pk=scorer.pk)
        try:
            with_evidence(
                lambda: publishing.publish(
                    script, "python", text_of(body), actor=None, reason="why", base=AnyBase, at_gate=AtGate()
                )
            )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as people:
        list(people.map(publish, [GOOD, GOOD.replace("7", "9").replace("8", "10")]))
    second, first = Activation.objects.filter(script=scorer)[:2]
    before, after = first.evidence.get(), second.evidence.get()
    assert after.live == before.candidate
    assert before.live != after.live


@pytest.fixture
def club(game: Game, transactional_db: None) -> Script:
    """A script as shipped, with a case that holds for it and for no other text, under a policy that requires evidence."""
    game.ship("dice")
    sync.sync()
    script = game.script("dice")
    version = script.active_version
    assert version is not None
    assert version.text == SHIPPED
    case = {
        "event": {"topic": "chess_club.roll", "payload": {"sides": 6}},
        "expect": [{"at": "outcome", "equal": "fails"}],
    }
    cases.add(script, "never", case_text.decode(json.dumps(case)), user="ada")
    set_policy("", "", actor=None, reason="for a test", mode=Mode.REQUIRE)
    return script


def defaults(**how: object) -> list[tuple[str, str]]:
    return [(step.outcome, step.detail) for step in sync.sync(**how) if step.source == "default"]  # type: ignore[arg-type]


def test_a_new_default_waits_for_its_evidence_and_is_flagged_where_that_does_not_pass(game: Game, club: Script) -> None:
    game.ship("dice", BETTER)
    [(outcome, _)] = defaults()
    assert outcome == "waiting"
    assert game.active_text("dice") == SHIPPED
    [(outcome, said)] = defaults(weigh=weigh_now)
    assert outcome == "flagged"
    assert "the gate is closed: 1 of 1 cases red" in said
    assert game.active_text("dice") == SHIPPED
    assert game.script("dice").default_version.text == BETTER


def test_a_new_default_that_passes_goes_live(game: Game, club: Script) -> None:
    club.cases.all().delete()
    game.ship("dice", BETTER)
    assert [outcome for outcome, _ in defaults(weigh=weigh_now)] == ["upgraded"]
    assert game.active_text("dice") == BETTER


def test_a_default_that_was_never_live_does_not_come_in_through_a_file_that_goes_away(game: Game, club: Script) -> None:
    set_policy("", "", actor=None, reason="for a while", mode=Mode.OFF)
    file = game.override("dice", "result = 7\n")
    sync.sync()
    game.ship("dice", BETTER)
    sync.sync()
    set_policy("", "", actor=None, reason="back again", mode=Mode.REQUIRE)
    file.unlink()
    steps = {step.script: step for step in sync.sync(wait=lambda _: None) if step.source == "file"}
    assert steps["chess_club/dice"].outcome == "kept"
    assert "the gate is closed" in steps["chess_club/dice"].detail
    assert game.active_text("dice") == "result = 7\n"


def test_what_there_was_no_time_for_is_made_by_an_evidence_worker(scorer: Script) -> None:
    def publish() -> Activation:
        at_gate = AtGate(wants_advice=True)
        return publishing.publish(
            scorer, "python", text_of(GOOD), actor=None, reason="why", base=AnyBase, at_gate=at_gate
        )

    with pytest.raises(GateClosed, match="there was no time to replay all"):
        with_evidence(publish, seconds=0)
    assert EvidenceWorker("eve").work_once(None)
    assert publish().evidence.get().complete


@pytest.mark.slow
def test_values_for_a_time_are_weighed_when_they_are_planned_and_what_was_live_comes_back(scorer: Script) -> None:
    set_policy("arena", "scorer", actor=None, reason="for a while", mode=Mode.OFF)
    text = "bonus = 0  # knob 0..9: what is added\nresult = {'points': message['payload']['points'] + bonus}\n"
    publishing.publish(scorer, "python", text, actor=None, reason="why", base=AnyBase)
    set_policy("arena", "scorer", actor=None, reason="back again", mode=Mode.REQUIRE)
    script, ada, now = Script.objects.get(pk=scorer.pk), person("ada"), datetime.now(UTC)
    until = now + timedelta(hours=1)
    with pytest.raises(Refusal, match="100 % of 24 decisions would change"):
        tuning.plan(script, ada, {"bonus": 1}, "a festival", None, until)
    set_policy("arena", "scorer", actor=None, reason="wider", max_changed=100, max_red=1)
    tuning.plan(script, ada, {"bonus": 1}, "a festival", None, until)
    [begun] = schedules.turn()
    assert (begun.state, begun.note) == ("live", "")
    set_policy("arena", "scorer", actor=None, reason="narrow", max_changed=0, max_red=0)
    [ended] = schedules.turn(until + timedelta(seconds=1))
    assert (ended.state, ended.note) == ("over", "")
    script.refresh_from_db()
    assert script.active_knobs is None
