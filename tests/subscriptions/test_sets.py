"""Which scripts run on a topic is data: sets with an order, a history and a way back, known to every process."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from scripting.bus import publishing
from scripting.bus.streams import Stream
from scripting.hot_reload.listener import Listener
from scripting.models import Execution, PlannedSubscription, Script, SubscriptionActivation, SubscriptionSet
from scripting.modules.scriptable import ModuleScriptConfig
from scripting.processes import generation, members
from scripting.registry import lifecycle
from scripting.registry.lifecycle import ChangeRefused
from scripting.registry.moves import PublishRefused
from scripting.registry.publishing import publish
from scripting.subscriptions import sets
from scripting.subscriptions.sets import SubscriptionRefused, SubscriptionsChanged
from scripting.subscriptions.subscribed import Subscriber, Subscriptions, runs_on, table
from scripting.workers.drain_job import drain_once
from tests.support.arena import Arena, make_script, score

pytestmark = [pytest.mark.usefixtures("arena"), pytest.mark.django_db(transaction=True)]

SCORER, CHEER = Subscriber("arena", "scorer"), Subscriber("arena", "cheer")


def two_scripts() -> None:
    make_script("result = {'points': message['payload']['points']}")
    make_script("result = {'points': 100}", "cheer")


def subscribers(topic: str = "arena.hit", points: int = 1) -> list[str]:
    return [script for _, script in publishing.make_event(topic, {"points": points}).subscribers]


def hit(points: int = 1, key: str = "ann") -> str:
    event = publishing.publish("arena.hit", {"points": points}, key=key)
    drain_once(Stream.of("arena", key, event))
    return event


def test_without_a_set_the_scripts_of_the_code_run() -> None:
    assert subscribers() == ["scorer"]
    assert subscribers("arena.unheard") == []
    assert runs_on("arena", "scorer") == ["arena.aftermath", "arena.hit"]


def test_a_module_may_name_several_scripts_in_their_order(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Arena, "config", ModuleScriptConfig(message_handlers={"arena.hit": ("cheer", "scorer")}))
    assert subscribers() == ["cheer", "scorer"]
    assert arena.config.topics_of("cheer") == ["arena.hit"]


def test_a_generation_read_along_with_a_batch_spares_the_look_at_it(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_script("result = {'points': 1}")
    event = publishing.publish("arena.hit", {"points": 1}, key="ann")
    monkeypatch.setattr(table, "_checked", float("-inf"))  # a look is due
    settings.SCRIPTING_GENERATION_MAX_AGE = 60.0  # however busy the machine
    drain_once(Stream.of("arena", "ann", event))
    monkeypatch.setattr("scripting.processes.generation.read", lambda: pytest.fail("it was looked at"))
    assert subscribers() == ["scorer"]


def test_the_subscribers_of_follow_ups_of_one_commit_are_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    make_script("result = {'follow_up': [{'points': 1}, {'points': 2}] if message['metadata']['depth'] == 0 else []}")
    for _ in range(3):
        event = publishing.publish("arena.hit", {"points": 1}, key="ann")
    asked: list[str] = []

    def of(topic: str) -> Subscriptions:
        asked.append(topic)
        return known(topic)

    known = table.of
    monkeypatch.setattr(table, "of", of)
    drain_once(Stream.of("arena", "ann", event))
    assert Execution.objects.filter(topic="arena.hit").count() == 3
    assert asked == ["arena.aftermath"]


def test_several_scripts_run_on_one_event_in_order_each_with_its_own_execution() -> None:
    two_scripts()
    sets.publish("arena.hit", [CHEER, SCORER], actor=None, reason="cheer first")
    event = hit(3)
    ran = Execution.objects.filter(event_id=event).order_by("id")
    assert [(e.script.name, e.status) for e in ran] == [("cheer", "succeeded"), ("scorer", "succeeded")]
    assert score("ann") == 103


def first_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    config = ModuleScriptConfig(message_handlers={"arena.hit": ("cheer", "scorer")}, first_decides=("arena.hit",))
    monkeypatch.setattr(Arena, "config", config)


@pytest.mark.parametrize(("says", "ran"), [("{'points': 5}", ["cheer"]), ("None", ["cheer", "scorer"])])
def test_where_the_first_that_answers_decides_those_after_it_do_not_run(
    monkeypatch: pytest.MonkeyPatch, says: str, ran: list[str]
) -> None:
    first_decides(monkeypatch)
    make_script("result = {'points': 1}")
    make_script(f"result = {says}", "cheer")
    event = hit()
    assert [e.script.name for e in Execution.objects.filter(event_id=event).order_by("id")] == ran


def test_the_first_that_answered_has_decided_however_often_the_event_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its script reads the score, so a second run would pass the question on."""
    first_decides(monkeypatch)
    make_script("result = {'points': 1}")
    make_script("result = {'points': 5} if get_score() == 0 else None", "cheer")
    for _ in range(3):
        publishing.publish("arena.hit", {"points": 1}, key="ann", event_id="the same")
    drain_once(Stream.of("arena", "ann", "the same"))
    publishing.publish("arena.hit", {"points": 1}, key="ann", event_id="the same")
    drain_once(Stream.of("arena", "ann", "the same"))
    assert [e.script.name for e in Execution.objects.all()] == ["cheer"]
    assert score("ann") == 5


def test_a_changed_set_says_who_and_why_and_an_old_one_comes_back_without_a_copy() -> None:
    two_scripts()
    ann = User.objects.create(username="ann")
    sets.publish("arena.hit", [SCORER, CHEER], actor=ann, reason="cheer too")
    sets.publish("arena.hit", [CHEER], actor=ann, reason="only cheer")
    sets.rollback("arena.hit", 1, actor=ann, reason="too loud")
    assert subscribers() == ["scorer", "cheer"]
    sets.rollback("arena.hit", 0, actor=ann, reason="as shipped")
    assert subscribers() == ["scorer"]
    assert [(a.chosen and a.chosen.number, str(a.actor), a.reason) for a in sets.history("arena.hit")] == [
        (None, "ann", "as shipped"),
        (1, "ann", "too loud"),
        (2, "ann", "only cheer"),
        (1, "ann", "cheer too"),
    ]
    assert SubscriptionSet.objects.count() == 2


def test_a_subscriber_that_is_switched_off_keeps_its_place_and_does_not_run() -> None:
    two_scripts()
    sets.publish("arena.hit", [Subscriber("arena", "cheer", enabled=False), SCORER], actor=None, reason="quiet")
    assert subscribers() == ["scorer"]
    assert runs_on("arena", "cheer") == []


def test_a_condition_decides_when_the_event_is_published() -> None:
    two_scripts()
    loud = Subscriber("arena", "cheer", condition="points >= 10")
    sets.publish("arena.hit", [SCORER, loud], actor=None, reason="cheer for big hits")
    assert subscribers(points=9) == ["scorer"]
    assert subscribers(points=10) == ["scorer", "cheer"]


def test_subscribers_stay_those_of_the_moment_when_the_event_was_published() -> None:
    two_scripts()
    event = publishing.publish("arena.hit", {"points": 1}, key="ann")
    sets.publish("arena.hit", [CHEER], actor=None, reason="only cheer")
    drain_once(Stream.of("arena", "ann", event))
    assert [e.script.name for e in Execution.objects.filter(event_id=event)] == ["scorer"]


def refuse(*given: Subscriber, topic: str = "arena.hit", **more: Any) -> str:
    with pytest.raises(SubscriptionRefused) as refused:
        sets.publish(topic, given, actor=None, **{"reason": "because", **more})
    assert not SubscriptionActivation.objects.exists()
    return str(refused.value)


def test_what_cannot_run_is_refused_and_told_by_its_name() -> None:
    two_scripts()
    Script.objects.create(module="arena", name="empty")
    assert "say why" in refuse(CHEER, reason=" ")
    assert refuse(Subscriber("arena", "nobody")) == "arena/nobody: there is no such script"
    assert "no live version yet" in refuse(Subscriber("arena", "empty"))
    assert "named twice" in refuse(CHEER, CHEER)
    assert "a helper runs on no event" in refuse(Subscriber("shared", "dice"))
    assert "there is no topic 'arena.nothing'" in refuse(CHEER, topic="arena.nothing")
    wrong = refuse(Subscriber("arena", "cheer", condition="pionts > 3"))
    assert "arena/cheer: its condition: there is no field pionts (there are: points, secret)" in wrong
    assert "nothing changed" in refuse(SCORER)


def test_a_change_of_somebody_else_meanwhile_refuses_mine() -> None:
    two_scripts()
    sets.publish("arena.hit", [CHEER], actor=None, reason="first", base=0)
    with pytest.raises(SubscriptionsChanged):
        sets.publish("arena.hit", [SCORER, CHEER], actor=None, reason="second", base=0)


def test_a_new_script_joins_its_topic_with_its_first_version_and_not_before() -> None:
    script = Script.objects.create(module="arena", name="cheer")
    sets.plan(script, "arena.unheard")
    assert subscribers("arena.unheard") == []
    make_script("result = {'points': 100}", "cheer")
    assert subscribers("arena.unheard") == ["cheer"]
    assert not PlannedSubscription.objects.exists()
    sets.rollback("arena.unheard", 0, actor=None, reason="no more")
    make_script("result = {'points': 200}", "cheer")
    assert subscribers("arena.unheard") == []


def test_a_new_script_whose_topic_takes_no_more_is_refused_with_the_reason_and_its_text_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = Script.objects.create(module="arena", name="cheer")
    sets.plan(script, "arena.unheard")
    monkeypatch.setattr(sets, "MOST", 0)
    with pytest.raises(PublishRefused, match="it was made for, but 0 scripts may run on a topic at the most"):
        publish(script, "python", "result = {'points': 1}", actor=None, reason="loud", base=None)
    script.refresh_from_db()
    assert (script.active_version, script.versions.count()) == (None, 1)
    assert sets.planned_topic(script) == "arena.unheard", "it joins with the next try"


def test_a_script_that_people_subscribed_is_not_retired_before_it_is_taken_away() -> None:
    two_scripts()
    sets.publish("arena.hit", [SCORER, CHEER], actor=None, reason="cheer too")
    cheer = Script.objects.get(name="cheer")
    with pytest.raises(ChangeRefused, match=r"arena/cheer is subscribed to arena\.hit: take it away there first"):
        lifecycle.retire(cheer, actor=None, reason="too loud")
    sets.rollback("arena.hit", 0, actor=None, reason="as shipped")
    lifecycle.retire(cheer, actor=None, reason="too loud")


def test_every_process_acknowledges_the_set_that_it_goes_by() -> None:
    two_scripts()
    listener = Listener("test", heartbeat=False)
    listener.member.beat()
    listener.step(0)
    sets.publish("arena.hit", [SCORER, CHEER], actor=None, reason="cheer too")
    listener._looked = float("-inf")
    listener.step(0)
    (process,) = members.everyone(["topic:arena.hit"])
    assert process.loaded["topic:arena.hit"].number == 1
    assert process.loaded["topic:arena.hit"].digest == table.of("arena.hit").digest


def test_a_publisher_whose_connection_the_database_closed_reads_the_sets_again() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the server is PostgreSQL's")
    two_scripts()
    assert subscribers() == ["scorer"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [mine] = cursor.fetchone()
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [mine])
    for expected in (None, generation.read()):
        table._generation, table._checked = None, float("-inf")  # as after a change elsewhere
        assert subscribers() == ["scorer"], "an event is accepted all the same"
        assert table._generation == expected
