"""Whole plays in the workbench: asked for, watched while they are played, downloaded, and one of them shown."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from django.test import Client

from scripting.models import Draft, PlayComparison, Script
from scripting.registry import knobs
from scripting.registry.active import registry
from scripting.types import Playback, SimulatedPlay
from scripting.workers.evidence_worker import EvidenceWorker
from tests.evidence.league import LIVE, LUCKY, League
from tests.support.arena import arena_registered, make_script
from tests.workbench.test_answers import ROOT, client_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def script() -> Iterator[Script]:
    with arena_registered(League):
        made = make_script(LIVE)
        registry.forget()
        yield made


@pytest.fixture
def designer(script: Script) -> Client:
    client = client_of("view", "edit", "run", "publish")
    user = client.session["_auth_user_id"]
    Draft.objects.create(script=script, user_id=user, source=LUCKY, language="python", revision=1)
    return client


def asked(client: Client, **fields: str) -> str:
    """The address of the report."""
    answer = client.post(ROOT + "plays/", {"candidate": "draft", "plays": "50", "seed": "1", **fields})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def text(client: Client, address: str) -> str:
    return client.get(address).content.decode()


@pytest.mark.slow
def test_the_draft_is_played_and_the_report_shows_what_turned(designer: Client) -> None:
    assert "Play 200 matches" in text(designer, ROOT), "in the publish dialog"
    assert "No matches were played yet" in text(designer, ROOT + "plays/")
    address = asked(designer, all="1")
    waiting = text(designer, address)
    assert "Waits for an evidence worker: 0 of 50 played" in waiting
    assert "No evidence worker is running" in waiting
    EvidenceWorker("eve").work_once(None)
    page = text(designer, address)
    assert "Draft of dora: 50 matches: " in page
    assert "Matches that turned" in page
    turn = PlayComparison.objects.get().document["turned"][0]
    watched = text(designer, f"{address}{turn['seeds'][0]}/")
    assert f"with draft of dora: {turn['draft']}" in watched
    assert "10 entries" in watched
    assert f"with the live scripts: {turn['live']}" in text(designer, f"{address}{turn['seeds'][0]}/?side=live")
    assert designer.get(f"{address}5000/").status_code == 404


@pytest.mark.slow
def test_one_that_stopped_early_goes_on_to_the_end(designer: Client) -> None:
    address = asked(designer)
    EvidenceWorker("eve").work_once(None)
    assert "It stopped after 2" in text(designer, address)
    onward = designer.post(address + "go-on/")["Location"]
    EvidenceWorker("eve").work_once(None)
    assert "50 matches with each side" in text(designer, onward)


def test_a_report_is_downloaded_as_json_and_csv(designer: Client) -> None:
    address = asked(designer)
    EvidenceWorker("eve").work_once(None)
    document = designer.get(address + "?format=json").json()
    assert document == PlayComparison.objects.get().document
    rows = list(csv.DictReader(io.StringIO(text(designer, address + "?format=csv"))))
    assert {row["measure"] for row in rows} == {"points", "ada wins", "bo wins"}
    assert all(float(row["low"]) <= float(row["difference"]) <= float(row["high"]) for row in rows)


def test_it_is_cancelled_and_who_may_not_try_scripts_sees_none(designer: Client) -> None:
    address = asked(designer)
    designer.post(address + "cancel/")
    assert "Cancelled after 0 of 50" in text(designer, address)
    viewer = client_of("view", name="vera")
    assert {viewer.get(where).status_code for where in (address, ROOT + "plays/", address + "1/")} == {403}


@pytest.mark.slow
def test_a_set_of_knobs_is_a_candidate_too(script: Script, designer: Client) -> None:
    make_script("BONUS = 0  # knob 0..5: more for each hit\n" + LIVE.replace("['points']}", "['points'] + BONUS}"))
    registry.forget()
    script.refresh_from_db()
    knobs.publish(script, {"BONUS": 3}, actor=None, reason="to see")
    knobs.publish(script, {"BONUS": 0}, actor=None, reason="back")
    address = asked(designer, candidate="knobs-1")
    EvidenceWorker("eve").work_once(None)
    assert "Knobs 1: " in text(designer, address)
    assert PlayComparison.objects.get().document["measures"]["points"]["difference"] == 30


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"plays": "0"}, "Choose how many matches to play"),
        ({"candidate": "knobs-9"}, "There are no knobs 9"),
        ({"candidate": "99"}, "99"),
    ],
)
def test_what_cannot_be_played_says_what_to_do(designer: Client, fields: dict[str, str], said: str) -> None:
    answer = designer.post(ROOT + "plays/", {"candidate": "draft", "plays": "50", "seed": "1", **fields})
    assert answer.status_code >= 400
    assert said in answer.content.decode()


def test_a_module_shows_a_play_in_its_own_way(designer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def playback(self: League, play: SimulatedPlay) -> Playback:
        return Playback("scripting/_zone.html", {"outcome": play.outcome})

    address = asked(designer)
    monkeypatch.setattr(League, "playback", playback)
    assert "data-zone" in text(designer, f"{address}1/")


def test_a_module_without_a_simulation_offers_none(script: Script) -> None:
    designer = client_of("view", "edit", "run", "publish", name="dan")
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(League, "simulate")
        assert "Play 200" not in text(designer, ROOT)
        assert "does not simulate its play" in text(designer, ROOT + "plays/")
        assert designer.post(ROOT + "plays/", {"candidate": "1", "plays": "50"}).status_code == 409
