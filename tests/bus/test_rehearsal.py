"""The bus of a simulated play: order, follow-ups, refusals and dice as a worker has them. Nothing of it leaves memory."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from goby_site.paths import BASE_DIR
from scripting.bus import Rehearsal
from scripting.bus.publishing import make_event, max_depth
from scripting.modules.calls import CallContext, EffectRefused, Outcome
from scripting.modules.installed import modules
from scripting.modules.simulation import MAX_DICE, dice_after, seed_of
from scripting.modules.topics import TopicError, topics
from scripting.types import PlayDecision, PlayEffect
from tests.support.arena import Arena
from tests.support.pages_of_docs import blocks_of, write_block

Rule = Callable[[CallContext], PlayDecision]


class Evening(Rehearsal[tuple[int, ...]]):
    """The points as they were scored."""

    def __init__(self, arena: Arena, rule: Rule) -> None:
        self.asked: list[CallContext] = []
        self.read_then: list[Any] = []

        def decide(script: str, topic: str, payload: Mapping[str, Any], reads: Any, **more: Any) -> PlayDecision:
            self.asked.append(more["call"])
            self.read_then.append(reads("get_score", {}))
            return rule(more["call"])

        super().__init__(arena, decide, (), key="ada")

    def apply(self, outcome: Outcome) -> None:
        self.state = (*self.state, outcome.result["points"])
        for payload in outcome.result.get("follow_up", []):
            outcome.publish("arena.aftermath", payload)

    def effect(self, call: CallContext, name: str, arguments: Mapping[str, Any]) -> None:
        if name == "award":
            self.state = (*self.state, arguments["points"])
            if arguments["points"] < 0:
                raise EffectRefused("points cannot be taken away")

    def read(self, call: CallContext, name: str, arguments: Mapping[str, Any]) -> int:
        return sum(self.state)


def hit(evening: Evening, points: int, dice: str = "evening:1") -> None:
    evening.publish("arena.hit", {"points": points}, dice=dice)


def scores(points: int, *then: int) -> PlayDecision:
    return PlayDecision({"points": points, "follow_up": [{"points": one} for one in then]})


def test_what_follows_waits_behind_what_waits_already_and_reads_see_what_was_before(arena: Arena) -> None:
    def rule(call: CallContext) -> PlayDecision:
        return scores(call.payload["points"], *([call.payload["points"] * 10] if not call.depth else []))

    evening = Evening(arena, rule)
    hit(evening, 1)
    hit(evening, 2)
    evening.settle()
    assert evening.state == (1, 2, 10, 20)
    assert evening.read_then == [0, 1, 3, 13]
    assert [(call.topic, call.depth, call.key) for call in evening.asked[1:3]] == [
        ("arena.hit", 0, "ada"),
        ("arena.aftermath", 1, "ada"),
    ]


def test_follow_ups_go_as_deep_as_live_ones(arena: Arena) -> None:
    evening = Evening(arena, lambda call: scores(1, 1))
    hit(evening, 1)
    evening.settle()
    assert len(evening.state) == max_depth() + 1


@pytest.mark.parametrize(
    "refused",
    [
        PlayDecision({"points": 5000}),
        PlayDecision({"points": 1}, (PlayEffect("award", {"points": 4}), PlayEffect("award", {"points": -1}))),
        PlayDecision({"points": 1, "follow_up": [{"points": "many"}]}),
        PlayDecision(ok=False, error="execution: it broke"),
    ],
)
def test_what_the_module_refuses_is_undone_and_decided_by_its_built_in_rule(
    arena: Arena, refused: PlayDecision
) -> None:
    evening = Evening(arena, lambda call: refused)
    hit(evening, 7)
    evening.settle()
    assert evening.state == (7,)


def test_an_event_of_the_plays_own_that_does_not_fit_is_an_error_of_the_module(arena: Arena) -> None:
    with pytest.raises(TopicError, match="points"):
        Evening(arena, lambda call: scores(1)).publish("arena.hit", {"points": "many"}, dice="x")


def test_scripts_that_set_each_other_off_without_end_are_stopped(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripting.bus.rehearsal.MAX_EVENTS", 50)
    evening = Evening(arena, lambda call: scores(1, *[1] * 9))
    hit(evening, 1)
    with pytest.raises(RuntimeError, match="more than 50 events"):
        evening.settle()


def test_every_follow_up_has_dice_of_its_own_that_derive_from_its_cause(arena: Arena) -> None:
    evening = Evening(arena, lambda call: scores(1, *([1, 1] if call.depth < 2 else [])))
    hit(evening, 1, dice="evening:1")
    evening.settle()
    dice = [call.dice for call in evening.asked]
    assert dice == ["evening:1", "evening:1.0", "evening:1.1", *(f"evening:1.{a}.{b}" for a in (0, 1) for b in (0, 1))]
    assert len({seed_of(one, "scorer") for one in dice}) == len(dice)
    assert seed_of("a", "scorer") != seed_of("a", "healer")
    long = "x" * MAX_DICE
    assert len(dice_after(long, 3)) <= MAX_DICE
    assert dice_after(long, 3) != dice_after(long + "y", 3)
    assert dice_after("", 3) == "", "chance stays chance"


def test_an_event_carries_its_dice_which_are_bounded(arena: Arena) -> None:
    assert make_event("arena.hit", {"points": 1}, dice="evening:1").dice == "evening:1"
    with pytest.raises(TopicError, match="dice may be"):
        make_event("arena.hit", {"points": 1}, dice="x" * (MAX_DICE + 1))


@pytest.mark.usefixtures("as_code_says")
def test_the_example_of_the_docs_plays_an_evening(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(modules, "_modules", {})
    monkeypatch.setattr(topics, "_topics", {})
    [block] = [block for block in blocks_of(BASE_DIR / "docs" / "simulation.md") if block.option]
    write_block(block, tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    tavern = importlib.import_module("evening").Tavern()
    monkeypatch.delitem(sys.modules, "evening")
    modules.register(tavern)

    def decide(script: str, topic: str, payload: Mapping[str, Any], reads: Any, **more: Any) -> PlayDecision:
        return PlayDecision({"serve": payload["drink"] == "cider", "price": 4})

    played = tavern.simulate(decide, 1)
    assert played.measures["takings"] == 4 * (30 - played.measures["refused"])
    assert played == tavern.simulate(decide, 1)
    assert len({tavern.simulate(decide, seed).measures["takings"] for seed in range(9)}) > 1
    assert played.measures.keys() == tavern.play_measures.keys()
