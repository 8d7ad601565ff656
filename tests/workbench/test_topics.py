"""The pages of topics: what each tells, who answers it and how that changes, and a rule made from one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from scripting.bus import publishing, samples
from scripting.bus.streams import Stream
from scripting.models import Draft, Execution, Script, SubscriptionActivation
from scripting.registry import publishing as registry_publishing
from scripting.subscriptions import sets
from scripting.subscriptions.subscribed import Subscriber, table
from scripting.workbench.topic_fields import fields_of
from scripting.workers.drain_job import drain_once
from tests.support.arena import arena_registered, make_script
from tests.workbench.test_new_script import client_of
from wargame.topics import DESTROYED

pytestmark = pytest.mark.django_db(transaction=True)

UNHEARD = "/scripts/topics/arena.unheard/"
HIT = "/scripts/topics/arena.hit/"


@pytest.fixture(autouse=True)
def arena() -> Iterator[None]:
    with arena_registered():
        table.forget()
        with samples._waiting.lock:  # what a test before has left is no part of this one
            samples._waiting.counts.clear()
            samples._waiting.latest.clear()
            samples._waiting.written = float("-inf")
        yield
        table.forget()


@pytest.fixture
def designer() -> Client:
    return client_of("view", "edit", "run", "publish")


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_the_catalogue_says_what_happens_how_often_and_who_answers(designer: Client) -> None:
    for number in range(20):
        publishing.publish("arena.hit", {"points": number})
    samples.flush()
    text = text_of(designer, "/scripts/topics/")
    assert "Somebody scored." in text
    assert "2 a minute · answered by scorer" in text
    assert 'none in the last ten minutes · <b class="free">no rule answers it yet</b>' in text


def test_a_topic_shows_an_event_that_happened_and_hides_what_it_calls_sensitive(designer: Client) -> None:
    assert "This is what one looks like." in text_of(designer, HIT)
    publishing.publish("arena.hit", {"points": 7, "secret": "open sesame"})
    samples.flush()
    text = text_of(designer, HIT)
    assert "&quot;points&quot;: 7" in text
    assert "open sesame" not in text
    assert b"open sesame" not in b"".join(samples.redis_client().lrange(samples._kept("arena.hit"), 0, -1))


def test_the_fields_of_a_topic_are_told_with_those_of_groups_below_them() -> None:
    rows = {field.name: field for field in fields_of(DESTROYED, DESTROYED.validate(DESTROYED.example))}
    assert (rows["turn"].kind, rows["turn"].value) == ("whole number", "4")
    assert (rows["unit"].kind, rows["unit.side"].words) == ("group", "harbour or ridge")
    assert (rows["unit.position.x"].kind, rows["unit.position.x"].depth) == ("whole number", 2)


def test_a_rule_is_made_tried_on_what_happened_and_runs_once_it_is_published(designer: Client) -> None:
    publishing.publish("arena.unheard", {"points": 41, "secret": "x"}, key="ann")
    samples.flush()
    page = text_of(designer, UNHEARD)
    assert 'name="name" value="on_unheard"' in page
    answer = designer.post(f"{UNHEARD}rule", {"name": "on_unheard", "language": "python", "purpose": "Count"})
    assert answer["Location"] == "/scripts/arena/on_unheard/"
    script = Script.objects.get(name="on_unheard")
    (sample,) = designer.get("/scripts/arena/on_unheard/api/events").json()["events"]
    event = designer.get(f"/scripts/arena/on_unheard/api/executions/{sample['id']}").json()
    assert (event["source"], event["sample"]) == ("topic:arena.unheard", True)
    assert "41" in event["payload"]
    draft = Draft.objects.get(script=script)
    assert "arena.unheard" in draft.source
    tried = designer.post(
        "/scripts/arena/on_unheard/api/trial",
        {"source": draft.source, "language": "python", "input": event["source"], "payload": {"points": 41}},
        content_type="application/json",
    ).json()["trial"]
    assert tried["status"] == "succeeded"
    assert "as soon as you publish it" in text_of(designer, "/scripts/arena/on_unheard/")
    registry_publishing.publish(script, "python", draft.source, actor=draft.user, reason="live", base=None)
    event_id = publishing.publish("arena.unheard", {"points": 1}, key="ann")
    drain_once(Stream.of("arena", "ann", event_id))
    assert Execution.objects.get(event_id=event_id).status == "succeeded"


def test_who_answers_is_changed_in_a_form_and_comes_back(designer: Client) -> None:
    make_script("result = {'points': 1}")
    make_script("result = {'points': 2}", "cheer")
    form: dict[str, Any] = {
        "base": "0",
        "script": ["arena/scorer"],
        "added": "arena/cheer",
        "runs:arena/scorer": "1",
        "condition:arena/scorer": "points > 3",
        "place:arena/scorer": "9",
        "reason": "cheer first",
    }
    assert designer.post(f"{HIT}subscribe", form).status_code == 302
    assert table.of("arena.hit").subscribers == (
        Subscriber("arena", "cheer"),
        Subscriber("arena", "scorer", condition="points > 3"),
    )
    assert str(SubscriptionActivation.objects.get().actor) == "dora"
    text = text_of(designer, HIT)
    assert "subscriptions 1" in text
    assert "cheer first" in text
    answer = designer.post(f"{HIT}subscribe", form)
    assert (answer.status_code, "somebody changed them meanwhile" in answer.content.decode().lower()) == (422, True)
    wrong = designer.post(f"{HIT}subscribe", {**form, "base": "1", "condition:arena/scorer": "pionts > 3"})
    assert "there is no field pionts (there are: points, secret) (at character 1)" in wrong.content.decode()
    assert 'value="pionts &gt; 3"' in wrong.content.decode()
    assert designer.post(f"{HIT}rollback", {"number": "0", "reason": "as shipped"}).status_code == 302
    assert table.of("arena.hit").number == 0


def test_who_may_only_look_sees_who_answers_and_changes_nothing() -> None:
    looker = client_of("view", name="lou")
    text = text_of(looker, HIT)
    assert "arena/scorer" in text
    assert "Make the rule" not in text
    for way, form in (
        ("subscribe", {"reason": "x"}),
        ("rollback", {"number": "0", "reason": "x"}),
        ("rule", {"name": "x"}),
    ):
        assert looker.post(f"{HIT}{way}", form).status_code == 403
    assert looker.get("/scripts/topics/arena.nothing/").status_code == 404


def test_a_site_that_publishes_from_elsewhere_changes_subscriptions_elsewhere_too(
    designer: Client, settings: Any
) -> None:
    make_script("result = {'points': 1}")
    settings.SCRIPTING_BROWSER_PUBLISH = False
    answer = designer.post(f"{HIT}subscribe", {"base": "0", "reason": "x"})
    assert "switched off" in answer.content.decode()
    assert sets.history("arena.hit") == []
