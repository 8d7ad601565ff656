"""Pages of reviews: asked for from the dialogs, answered by somebody else, commented on by line; what anybody may not do."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from scripting.models import Review, Script
from scripting.registry import publishing
from scripting.registry.gate_policies import Mode, set_policy
from scripting.registry.moves import AnyBase, AtGate
from tests.evidence.gated import GOOD, person, scorer, text_of, what_runs

__all__ = ["scorer"]

SCRIPT = "/scripts/arena/scorer/"


@pytest.fixture
def eyes(scorer: Script) -> Script:
    set_policy("arena", "scorer", actor=None, reason="two pairs of eyes", mode=Mode.OFF, approval="always")
    return scorer


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def post(client: Client, address: str, **document: object) -> dict[str, object]:
    answer = client.post(address, json.dumps(document), content_type="application/json")
    found: dict[str, object] = answer.json()
    return found


@pytest.mark.slow
def test_a_text_is_asked_about_in_the_dialog_approved_by_another_and_made_live_on_its_page(eyes: Script) -> None:
    eve, rita = person("eve"), person("rita", "approve_review")
    hers, his = browser(eve), browser(rita)
    text = {"source": text_of(GOOD), "language": "python"}
    gate = post(hers, f"{SCRIPT}api/gate", **text)
    assert (gate["closed"], gate["may_ask"], gate["asked"]) == (True, True, None)
    asked = post(hers, f"{SCRIPT}api/review", **text, reason="less for 7, @rita")
    page = str(asked["address"])
    assert "waits" in str(post(hers, f"{SCRIPT}api/gate", **text)["asked"])
    with CaptureQueriesContext(connection) as asked_of_database:
        start = his.get("/scripts/").content.decode()
    assert "waiting for you" in start
    counts = [query["sql"] for query in asked_of_database if 'FROM "scripting_review" ' in query["sql"]]
    assert len(counts) == 1, "the parts of a page count once what waits"
    assert "eve asks for a review" in start
    shown = his.get(page).content.decode()
    assert "24 decisions, 1 changed, 0 failing, 0 of 1 cases red" in shown
    assert "eve asks for a review" not in his.get("/scripts/").content.decode(), "it was opened"

    assert hers.post(page, {"act": "approve"}).status_code == 409
    assert hers.post(page, {"act": "live"}).status_code == 409
    part = Review.objects.get().texts.get()
    assert his.post(page, {"act": "comment", "text": part.pk, "line": 2, "words": "why <7>?"}).status_code == 302
    first = Review.objects.get().comments.get()
    hers.post(page, {"act": "comment", "comment": first.pk, "words": "it is odd"})
    his.post(page, {"act": "resolve", "comment": first.pk})
    shown = hers.get(page).content.decode()
    assert "Resolved by rita: why &lt;7&gt;?" in shown
    assert "it is odd" in shown
    assert his.post(page, {"act": "approve", "words": "looked at the replay"}).status_code == 302
    assert what_runs() == (1, 1)
    assert hers.post(page, {"act": "live"}).status_code == 302
    assert what_runs() == (2, 1)
    assert "Approved by rita" in hers.get(f"{SCRIPT}history/").content.decode()


def test_a_text_that_differs_in_its_line_ends_alone_says_so_where_it_is_asked_about(eyes: Script) -> None:
    hers, live = browser(person("eve")), eyes.active_version
    assert live is not None
    windows = {"source": live.text.replace("\n", "\r\n"), "language": "python"}
    page = str(post(hers, f"{SCRIPT}api/review", **windows, reason="saved on Windows")["address"])
    shown = hers.get(page).content.decode()
    assert "Line ends differ: LF before, CRLF (Windows) after; nothing else does." in shown


@pytest.mark.slow
def test_who_may_only_look_takes_no_part_and_nobody_publishes_without_the_permission(eyes: Script) -> None:
    hers = browser(person("eve"))
    asked = post(hers, f"{SCRIPT}api/review", source=text_of(GOOD), language="python", reason="why")
    page = str(asked["address"])
    rita, viewer = person("rita", "approve_review"), person("vera")
    for user, kept in ((rita, ["view_script", "approve_review"]), (viewer, ["view_script"])):
        user.user_permissions.set([each for each in user.user_permissions.all() if each.codename in kept])
    assert browser(viewer).post(page, {"act": "comment", "words": "hm"}).status_code == 403
    his = browser(rita)
    assert his.post(page, {"act": "approve"}).status_code == 302
    answer = his.post(page, {"act": "live"})
    assert answer.status_code == 409
    assert "needs the permission scripting.publish_script" in answer.content.decode()
    assert what_runs() == (1, 1)


@pytest.mark.slow
def test_a_stored_version_is_asked_about_by_its_number_and_a_refusal_says_why(eyes: Script) -> None:
    hers = browser(person("eve"))
    document = {"source": text_of(GOOD), "language": "python", "reason": "a try", "base": 1, "confirmed": True}
    hers.post(f"{SCRIPT}api/publish", json.dumps(document), content_type="application/json")
    asked = post(hers, f"{SCRIPT}api/review", number=2, reason="why")
    his = browser(person("rita", "approve_review"))
    assert his.post(str(asked["address"]), {"act": "refuse"}).status_code == 409, "without a reason"
    his.post(str(asked["address"]), {"act": "refuse", "words": "it is odd"})
    assert "refused by rita" in hers.get("/scripts/").content.decode()
    assert "it is odd" in hers.get(str(asked["address"])).content.decode()
    assert post(hers, f"{SCRIPT}api/review", number=1, reason="why")["error"]["type"] == "unchanged"  # type: ignore[index]


@pytest.mark.slow
def test_values_of_knobs_are_asked_about_on_their_page_and_published_there_once_approved(eyes: Script) -> None:
    text = "bonus = 0  # knob 0..9: what is added\nresult = {'points': message['payload']['points'] + bonus}\n"
    publishing.publish(eyes, "python", text, actor=None, reason="why", base=AnyBase, at_gate=AtGate("urgent"))
    hers = browser(person("eve", "tune_script"))
    document = {"values": {"bonus": 1}, "reason": "a festival"}
    refused = post(hers, f"{SCRIPT}api/tune/publish", **document, base=None)
    assert refused["may_ask"] is True
    asked = post(hers, f"{SCRIPT}api/tune/review", **document)
    his = browser(person("rita", "approve_review"))
    assert "<code>bonus</code>" in his.get(str(asked["address"])).content.decode()
    his.post(str(asked["address"]), {"act": "approve"})
    assert post(hers, f"{SCRIPT}api/tune/publish", **document, base=None)["number"] == 1
