"""Replays in the workbench: who may, what the report shows, and what is refused with what to do."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from scripting.models import Draft, Execution, ReplayReport, Script
from tests.evidence.recorded import record
from tests.support.arena import arena_registered, make_script
from tests.workbench.test_answers import ROOT, ask, client_of

pytestmark = pytest.mark.django_db(transaction=True)

LIVE = "points = message['payload']['points']\nresult = {'points': points, 'high': points > 3}\n"
DOUBLED = LIVE.replace("{'points': points,", "{'points': points * 2,")


@pytest.fixture
def script() -> Iterator[Script]:
    with arena_registered():
        made = make_script(LIVE)
        record(
            "arena", "scorer", "arena.hit", [{"points": at % 7, "secret": "swordfish"} for at in range(30)], key="ada"
        )
        yield made


@pytest.fixture
def designer(script: Script) -> Client:
    return client_of("view", "edit", "run", "publish")


def replayed(client: Client, source: str) -> dict[str, Any]:
    status, answer = ask(client, "POST", "api/replay", source=source)
    assert status == 200, answer
    return dict(answer)


def test_the_head_gets_one_sentence_and_the_address_of_the_report(designer: Client) -> None:
    answer = replayed(designer, DOUBLED)
    changed = sum(at % 7 != 0 for at in range(30))
    assert answer["sentence"] == f"changes {changed} of 30 decisions, 0 would fail"
    assert answer["kind"] == "changed"
    page = designer.get(answer["address"]).content.decode()
    assert f"changes {changed} of 30 decisions" in page
    assert "points" in page
    assert "Players would react" in page


def test_the_same_text_on_the_same_executions_is_one_report(designer: Client) -> None:
    assert replayed(designer, DOUBLED)["id"] == replayed(designer, DOUBLED)["id"]
    assert ReplayReport.objects.count() == 1
    record("arena", "scorer", "arena.hit", [{"points": 1}], key="ada")
    replayed(designer, DOUBLED)
    assert ReplayReport.objects.count() == 2


def test_nothing_that_a_topic_hides_is_in_a_report(designer: Client) -> None:
    answer = replayed(designer, LIVE.replace("'high'", "'told': message['payload']['secret'], 'high'"))
    assert "swordfish" not in designer.get(answer["address"]).content.decode()
    assert "swordfish" not in json.dumps(ReplayReport.objects.get().document)


def test_a_report_is_downloaded_as_json_and_csv(designer: Client) -> None:
    address = replayed(designer, DOUBLED)["address"]
    document = designer.get(address + "?format=json").json()
    assert document == ReplayReport.objects.get().document
    rows = list(csv.DictReader(io.StringIO(designer.get(address + "?format=csv").content.decode())))
    assert {row["field"] for row in rows} == {"points"}
    assert len(rows) == document["changed"]
    assert all(float(row["after"]) == 2 * float(row["before"]) for row in rows)


def test_the_page_replays_a_draft_or_a_version(script: Script, designer: Client) -> None:
    assert "No replays yet" in designer.get(ROOT + "replay/").content.decode()
    user = designer.session["_auth_user_id"]
    Draft.objects.create(script=script, user_id=user, source=DOUBLED, language="python", revision=1)
    answer = designer.post(ROOT + "replay/", {"candidate": "draft", "last": "200"}, follow=True)
    assert "Draft of dora changes" in answer.content.decode()
    answer = designer.post(ROOT + "replay/", {"candidate": "1", "last": "200"}, follow=True)
    assert "V1 changes 0 of 30 decisions" in answer.content.decode()
    assert "draft of dora" in designer.get(ROOT + "replay/").content.decode()


def test_what_cannot_be_replayed_says_what_to_do(script: Script, designer: Client) -> None:
    assert ask(designer, "POST", "api/replay", source="result = (")[0] == 422
    answer = designer.post(ROOT + "replay/", {"candidate": "draft", "last": "200"})
    assert "You have no draft of this script" in answer.content.decode()
    Execution.objects.all().delete()
    answer = designer.post(ROOT + "replay/", {"candidate": "1", "last": "200"})
    assert "This script has not run yet" in answer.content.decode()
    assert ask(designer, "POST", "api/replay", source=DOUBLED) == (200, {"sentence": ""}), "the page asks by itself"


def test_who_may_not_try_scripts_sees_no_report(script: Script, designer: Client) -> None:
    address = replayed(designer, DOUBLED)["address"]
    viewer = client_of("view", name="vera")
    assert viewer.get(address).status_code == 403
    assert viewer.get(ROOT + "replay/").status_code == 403
    assert ask(viewer, "POST", "api/replay", source=DOUBLED)[0] == 403


def test_the_history_shows_the_replay_of_a_version_to_those_who_may_try_it(script: Script, designer: Client) -> None:
    replayed(designer, DOUBLED)
    make_script(DOUBLED)
    page = designer.get(ROOT + "history/").content.decode()
    assert page.count("Replay: changes") == 1
    assert "Replay:" not in client_of("view", name="vera").get(ROOT + "history/").content.decode()


def test_a_report_of_another_script_or_that_is_gone_is_not_found(designer: Client) -> None:
    address = replayed(designer, DOUBLED)["address"]
    ReplayReport.objects.all().delete()
    assert designer.get(address).status_code == 404
