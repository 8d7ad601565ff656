"""Values of knobs for one ordering key, or for a segment of the module's own: which bundle an event gets, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from scripting.bus.events import Event
from scripting.engine import get_engine
from scripting.evidence.corpus import Selection, resolve
from scripting.evidence.replays import candidate_of, replay
from scripting.execution.replay import replay as repeat
from scripting.models import SEGMENTS, Activation, Execution, KnobSet, Script
from scripting.modules.topics import topics
from scripting.registry import knobs
from scripting.registry.active import registry
from scripting.registry.bundles import active_values
from scripting.registry.knobs import ValuesRefused
from scripting.supervisor import ahead
from tests.evidence.recorded import record
from tests.support.arena import Arena, arena_registered, make_script

TEXT = "BONUS = 1  # knob 0..9: more for each hit\nresult = {'points': message['payload']['points'] + BONUS}\n"


class Leagues(Arena):
    """Keys belong to the league that they begin with."""

    segment_name = "league"
    segments = ("gold", "tin")

    def segment(self, key: str) -> str | None:
        league, _, number = key.partition("-")
        return league if number else None


@pytest.fixture
def scorer(transactional_db: None) -> Iterator[Script]:
    with arena_registered(Leagues):
        script = make_script(TEXT)
        registry.forget()
        yield script


def publish(script: Script, base: int, *segments: tuple[str, int]) -> Activation:
    values: dict[str, Any] = {"BONUS": base, SEGMENTS: [[selector, {"BONUS": own}] for selector, own in segments]}
    activation = knobs.publish(Script.objects.get(pk=script.pk), values, actor=None, reason="a test")
    registry.forget()
    return activation


def bonus_of(key: str) -> int:
    event = Event(
        id="1", topic="arena.hit", payload=topics.get("arena.hit").validate({"points": 0}), subscribers=[], key=key
    )
    value = get_engine().decide(event, "arena", "scorer").output().result["points"]
    assert isinstance(value, int)
    return value


def test_the_first_selector_that_fits_counts(scorer: Script) -> None:
    publish(scorer, 2, ("key gold-1", 7), ("segment gold", 5), ("key gold-2", 8), ("key 3", 3))
    assert [bonus_of(key) for key in ("gold-1", "gold-2", "tin-1", "3", "4", "")] == [7, 5, 2, 3, 2, 2]


def test_a_row_of_events_ends_where_other_values_hold(scorer: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECONDS", "PATIENCE_SECONDS"):
        monkeypatch.setattr(ahead, name, 60.0)  # however busy the machine
    monkeypatch.setattr(ahead, "SLOW_US", 60_000_000)
    publish(scorer, 2, ("segment gold", 5))
    assert bonus_of("gold-1") == 5
    events = [
        Event(id=key, topic="arena.hit", payload={"points": 0}, subscribers=[], key=key)
        for key in ("gold-1", "gold-2", "tin-1", "gold-3")
    ]
    engine = get_engine()
    ran = [engine.decided(each).output().result for each in engine.run_ahead(events, "arena", "scorer")]
    assert ran == [{"points": 5}, {"points": 5}]
    leagues = iter(["gold"])
    monkeypatch.setattr(Leagues, "segment", lambda _self, _key: next(leagues, "tin"))  # it is moved meanwhile
    assert engine.run_ahead(events, "arena", "scorer") == []


def test_a_row_of_events_asks_once_for_the_segment_of_a_key(scorer: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wargame asks its database for it."""
    for name in ("SECONDS", "PATIENCE_SECONDS"):
        monkeypatch.setattr(ahead, name, 60.0)
    monkeypatch.setattr(ahead, "SLOW_US", 60_000_000)
    publish(scorer, 2, ("segment gold", 5))
    assert bonus_of("gold-1") == 5
    asked: list[str] = []
    monkeypatch.setattr(Leagues, "segment", lambda _self, key: asked.append(key) or "gold")
    events = [
        Event(id=str(number), topic="arena.hit", payload={"points": 0}, subscribers=[], key=f"gold-{number % 2}")
        for number in range(4)
    ]
    assert len(get_engine().run_ahead(events, "arena", "scorer")) == 4
    assert asked == ["gold-0", "gold-1"]


def test_an_event_is_recorded_with_its_own_bundle_and_repeated_with_it(scorer: Script) -> None:
    activation = publish(scorer, 2, ("segment gold", 5))
    found = {key: record("arena", "scorer", "arena.hit", [{"points": 1}], key=key)[0] for key in ("gold-1", "tin-1")}
    assert len({one.bundle_digest for one in found.values()}) == 2
    publish(scorer, 3)
    for one in found.values():
        assert repeat(str(one.pk)).identical
    assert activation.knobs is not None
    assert activation.knobs.told == {"BONUS": 2, "BONUS for segment gold": 5}


def test_values_for_some_alone_are_told_apart_replayed_and_rolled_back_like_any_other(scorer: Script) -> None:
    before = registry.resolve("arena", "scorer").active.bundle.digest
    publish(scorer, 1, ("segment gold", 5))
    assert registry.resolve("arena", "scorer").active.bundle.digest != before, "which processes acknowledge"
    for key in ("gold-1", "tin-1"):
        record("arena", "scorer", "arena.hit", [{"points": 1}] * 3, key=key)
    assert replay(resolve(scorer, Selection()), candidate_of(scorer, TEXT, "python"))["changed"] == 0
    other = candidate_of(scorer, TEXT, "python", {"BONUS": 1, SEGMENTS: [["segment gold", {"BONUS": 9}]]})
    found = replay(resolve(scorer, Selection()), other)
    assert (found["events"], found["changed"]) == (6, 3)
    publish(scorer, 4)
    assert bonus_of("gold-1") == 4
    knobs.rollback(Script.objects.get(pk=scorer.pk), 1, actor=None, reason="back")
    registry.forget()
    assert (bonus_of("gold-1"), bonus_of("tin-1")) == (5, 1)


def test_what_holds_anyway_is_not_kept_and_equal_values_are_one_set(scorer: Script) -> None:
    publish(scorer, 1, ("segment gold", 5))
    publish(scorer, 1)
    publish(scorer, 1, ("segment gold", 5))
    assert KnobSet.objects.count() == 2
    publish(scorer, 5, ("segment gold", 5))
    assert active_values("arena/scorer") == {"BONUS": 5, SEGMENTS: [["segment gold", {}]]}


@pytest.mark.parametrize(
    ("segments", "said"),
    [
        ((("segment gold", 5), ("segment gold", 6)), "segment gold has values of its own already"),
        ((("segment lead", 5),), "is no segment of the module arena .it has: gold, tin"),
        ((("segment gold", 50),), "segment gold: BONUS"),
        ((("people ada", 5),), "names neither a key nor a segment"),
        ((("key ", 5),), "names neither a key nor a segment"),
        (tuple((f"key {number}", 5) for number in range(21)), "there may be 20"),
    ],
)
def test_what_conflicts_or_fits_nothing_is_refused(
    scorer: Script, segments: tuple[tuple[str, int], ...], said: str
) -> None:
    with pytest.raises(ValuesRefused, match=said):
        publish(scorer, 1, *segments)


@pytest.mark.parametrize("segments", [5, "key 5", [5], [["key 5"]], [["key 5", 5]], [[5, {}]], {"key 5": {}}])
def test_segments_of_another_form_are_refused(scorer: Script, segments: Any) -> None:
    with pytest.raises(ValuesRefused, match="is a list of a selector"):
        knobs.publish(scorer, {SEGMENTS: segments}, actor=None, reason="a test")


def test_a_module_without_segments_has_values_for_keys_alone(transactional_db: None) -> None:
    with arena_registered():
        script = make_script(TEXT)
        registry.forget()
        with pytest.raises(ValuesRefused, match="the module arena has none"):
            publish(script, 1, ("segment gold", 5))
        publish(script, 1, ("key gold-1", 5))
        assert (bonus_of("gold-1"), bonus_of("gold-2")) == (5, 1)


def test_a_helper_s_values_hold_for_some_alone_too(transactional_db: None) -> None:
    with arena_registered(Leagues):
        helper = make_script("BONUS = 1  # knob 0..9: more\ndef more(n):\n    return n + BONUS\n", "rules", "shared")
        make_script("from shared import rules\nresult = {'points': rules.more(message['payload']['points'])}\n")
        registry.forget()
        publish(helper, 2, ("key 3", 9))
        assert (bonus_of("3"), bonus_of("4")) == (9, 2)
        [execution] = record("arena", "scorer", "arena.hit", [{"points": 1}], key="3")
        assert repeat(str(execution.pk)).identical
        assert Execution.objects.get().bundle_digest == execution.bundle_digest
