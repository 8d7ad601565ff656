"""The gate asks for whole plays too: a change passes while the means of its measures stay within the policy's limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from scripting.evidence.gate import weigh, with_evidence
from scripting.models import Activation, Evidence, PlayComparison, Script, ScriptVersion
from scripting.models.gate import limits_in
from scripting.registry import activating, gate, storing
from scripting.registry.active import registry
from scripting.registry.gate import Candidate, GateClosed
from scripting.registry.gate_policies import Mode, set_policy
from scripting.registry.lifecycle import ChangeRefused
from scripting.types import Source
from tests.evidence.league import LIVE, LUCKY, League
from tests.support.arena import arena_registered, make_script

PLAYS = 20


@pytest.fixture
def scorer(transactional_db: None) -> Iterator[Script]:
    with arena_registered(League):
        script = make_script(LIVE)
        registry.forget()
        ask("points 20..45\nbo wins 0..90 %")
        yield script


def ask(limits: str, **more: Any) -> None:
    set_policy("arena", "", actor=None, reason="a test", mode=Mode.REQUIRE, play_limits=limits, plays=PLAYS, **more)


def publish(script: Script, text: str) -> Activation:
    version, _ = storing.store(script, "python", text.encode(), ScriptVersion.Origin.EDITOR)
    return with_evidence(
        lambda: activating.activate(
            script, version, Activation.Cause.PUBLISH, reason="a test", base=script.active_version
        )
    )


@pytest.mark.slow
def test_a_change_beyond_the_limits_is_stopped_with_the_figure_and_one_within_them_passes(scorer: Script) -> None:
    with pytest.raises(GateClosed, match=r"points would be 4\d\.\d+ \(allowed: 20 to 45\)"):
        publish(scorer, LUCKY)
    assert PlayComparison.objects.get().played == PLAYS
    activation = publish(scorer, LIVE + "\n")
    [evidence] = activation.evidence.all()
    assert evidence.in_words.endswith(f"{PLAYS} matches played")
    assert set(evidence.played["means"]) == {"points", "ada wins", "bo wins"}


def test_what_goes_live_beside_it_voids_the_plays(scorer: Script) -> None:
    changes = gate.changes_of([Candidate(scorer, Source(str(scorer), "python", LIVE + "\n"), "a draft")])
    weigh(changes)
    weigh(changes)
    assert Evidence.objects.count() == 1
    make_script("result = {'points': 1}", "other")
    registry.forget()
    weigh(gate.changes_of([Candidate(scorer, Source(str(scorer), "python", LIVE + "\n"), "a draft")]))
    assert Evidence.objects.count() == 2


def test_without_time_for_all_plays_nothing_passes_until_there_was(scorer: Script) -> None:
    changes = gate.changes_of([Candidate(scorer, Source(str(scorer), "python", LIVE + "\n"), "a draft")])
    [hasty] = weigh(changes, seconds=0)
    assert not hasty.complete
    [judged] = gate.judge(changes)
    assert "there was no time to play all: 0 of 20" in judged.problems
    [whole] = weigh(changes)
    assert whole.complete
    assert gate.judge(changes)[0].passes


def test_a_measure_that_the_plays_do_not_have_is_named(scorer: Script) -> None:
    ask("luck 0..1")
    with pytest.raises(GateClosed, match=r"the plays have no measure luck \(they have: ada wins, bo wins, points"):
        publish(scorer, LIVE + "\n")


@pytest.mark.parametrize("text", ["points", "points 5", "points 9..3", "points a..b", "45..55"])
def test_a_limit_is_a_measure_and_two_bounds(text: str) -> None:
    with pytest.raises(ValidationError, match="write a measure and its bounds"):
        limits_in(text)


def test_a_policy_with_a_limit_that_is_none_is_refused(scorer: Script) -> None:
    with pytest.raises(ChangeRefused, match="write a measure and its bounds"):
        ask("points")
    [percent, plain] = limits_in("  bo wins 45..55 %\n\npoints -1.5 .. 2")
    assert (percent.admits(0.5), percent.admits(0.6), plain.admits(-1), plain.admits(3)) == (True, False, True, False)
    assert str(percent) == "bo wins 45 to 55 %"
