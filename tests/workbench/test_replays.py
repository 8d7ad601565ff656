"""Replays in the workbench: who may, what the report shows, and what is refused with what to do."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from scripting.models import Draft, Execution, ReplayReport, Script
from scripting.workbench import replay_forms
from scripting.workers.evidence_worker import EvidenceWorker
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


@pytest.mark.any_database
def test_the_same_text_on_the_same_executions_is_one_report(designer: Client) -> None:
    assert replayed(designer, DOUBLED)["id"] == replayed(designer, DOUBLED)["id"]
    assert ReplayReport.objects.count() == 1
    record("arena", "scorer", "arena.hit", [{"points": 1}], key="ada")
    replayed(designer, DOUBLED)
    assert ReplayReport.objects.count() == 2


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.any_database
def test_a_report_of_another_script_or_that_is_gone_is_not_found(designer: Client) -> None:
    address = replayed(designer, DOUBLED)["address"]
    ReplayReport.objects.all().delete()
    assert designer.get(address).status_code == 404


# -- what the form asks for, and reports that grow -------------------------------------------------------------------------


def form(client: Client, **fields: Any) -> Any:
    return client.post(ROOT + "replay/", {"candidate": "1", "last": "200", **fields}, follow=True)


def test_a_long_replay_is_left_to_an_evidence_worker_and_its_report_says_so_until_one_is_there(
    script: Script, designer: Client
) -> None:
    page = form(designer, night="1").content.decode()
    assert "0 of 30 decided" in page
    assert "No evidence worker is running" in page
    assert "manage.py run_worker --evidence" in page
    assert form(designer, night="1").redirect_chain == form(designer, night="1").redirect_chain, "it is one report"
    report = ReplayReport.objects.get()
    assert EvidenceWorker("eve").work_once(None)
    page = designer.get(f"{ROOT}replay/{report.pk}/").content.decode()
    assert "V1 changes 0 of 30 decisions" in page
    assert "decided</span>" not in page
    assert "the whole night since <time" in page


def test_a_growing_replay_is_cancelled_by_a_button_and_keeps_its_report(
    script: Script, designer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_forms, "AT_ONCE", 10)
    form(designer)
    report = ReplayReport.objects.get()
    viewer = client_of("view", name="vera")
    assert viewer.post(f"{ROOT}replay/{report.pk}/cancel/").status_code == 403
    page = designer.post(f"{ROOT}replay/{report.pk}/cancel/", follow=True).content.decode()
    assert "Cancelled by dora after 0 of 30" in page
    assert "Nothing was decided (cancelled by dora after 0 of 30)" in designer.get(f"{ROOT}replay/").content.decode()


@pytest.mark.slow
@pytest.mark.any_database
def test_executions_are_chosen_by_number_time_topic_outcome_key_and_version(script: Script, designer: Client) -> None:
    first = Execution.objects.order_by("pk").first()
    assert first is not None
    record("arena", "scorer", "arena.hit", [{"points": 1}], key="bob")

    def decided(**fields: str) -> int:
        page = form(designer, **fields)
        return int(ReplayReport.objects.get(pk=page.redirect_chain[-1][0].split("/")[-2]).document["events"])

    assert decided(count="3") == 3
    assert decided(key="bob") == 1
    assert decided(topic="arena.hit", status="succeeded", version="1", last="all") == 31
    assert decided(since="2020-01-01T00:00", last="all") == 31
    for fields, said in (
        ({"status": "failed"}, "No execution is recorded for the last 200 that failed"),
        ({"until": "2020-01-01T00:00"}, "No execution is recorded for a sample of 200 until 2020-01-01"),
        ({"since": "soon"}, "Write a time such as"),
        ({"since": "2026-01-02T00:00", "until": "2026-01-01T00:00"}, "The end must be after the beginning"),
        ({"count": "100001"}, "from 1 to 100000"),
        ({"status": "odd"}, "There is no outcome odd"),
    ):
        assert said in form(designer, **fields).content.decode()


@pytest.mark.slow
def test_a_file_is_replayed_that_is_uploaded_or_lies_beside_the_script(
    script: Script, designer: Client, settings: Any, tmp_path: Path
) -> None:
    page = form(designer, upload=SimpleUploadedFile("scorer.py", DOUBLED.encode())).content.decode()
    assert "File scorer.py changes 25 of 30 decisions" in page
    assert "its name must end with" in form(designer, upload=SimpleUploadedFile("a.txt", b"x")).content.decode()
    assert "Line 1" in form(designer, upload=SimpleUploadedFile("a.py", b"result = (")).content.decode()
    settings.SCRIPTING_SCRIPTS_DIR = tmp_path / "scripts"
    assert "differs from what is live" not in designer.get(ROOT + "replay/").content.decode()
    (tmp_path / "scripts" / "arena").mkdir(parents=True)
    (tmp_path / "scripts" / "arena" / "scorer.py").write_text(DOUBLED.replace("* 2", "* 3"))
    assert "scripts/arena/scorer.py (differs from what is live)" in designer.get(ROOT + "replay/").content.decode()
    assert "File scripts/arena/scorer.py changes 25" in form(designer, candidate="file").content.decode()


@pytest.mark.any_database
def test_each_change_leads_to_both_outcomes_side_by_side_and_to_a_trial(script: Script, designer: Client) -> None:
    address = replayed(designer, DOUBLED + "award(points)\n")["address"]
    document = ReplayReport.objects.get().document
    execution = document["changes"][0]["execution"]
    page = designer.get(address).content.decode()
    assert f'href="{address}{execution}/"' in page
    assert f"{ROOT}?execution={execution}" in page
    side_by_side = designer.get(f"{address}{execution}/").content.decode()
    assert "award(points=6)" in side_by_side
    assert f"{ROOT}?execution={execution}" in side_by_side
    assert designer.get(f"{address}{ReplayReport.objects.get().pk}/").status_code == 404


def test_changed_decisions_come_by_size_and_failures_apart(script: Script, designer: Client) -> None:
    text = LIVE.replace("{'points': points,", "{'points': points * 2,") + "if points == 3:\n    result = [][0]\n"
    address = replayed(designer, text)["address"]
    changes = ReplayReport.objects.get().document["changes"]
    sizes = [each["size"] for each in changes if each["class"] == "changed"]
    assert sizes == sorted(sizes, reverse=True)
    assert {each["class"] for each in changes[len(sizes) :]} == {"failing"}
    page = designer.get(address).content.decode()
    assert page.index("What would fail, by its cause") < page.index("Changed decisions, the largest change first")
    tests = designer.get(address + "?format=junit").content.decode()
    assert 'failures="1"' in tests
    assert "4 of 30 are newly failing" in tests


def test_a_report_on_what_is_not_live_any_more_says_so(script: Script, designer: Client) -> None:
    address = replayed(designer, DOUBLED)["address"]
    assert "Compared with" not in designer.get(address).content.decode()
    make_script(DOUBLED)
    assert "which was live then and is not now" in designer.get(address).content.decode()
