"""Cases in the workbench: kept from a trial or an event, run by each text, tried, changed, deleted; and who may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from scripting.evidence import cases
from scripting.models import Case, Execution, Script
from scripting.texts import case_text
from tests.evidence.recorded import record
from tests.support.arena import arena_registered, make_script
from tests.workbench.test_answers import ROOT, ask, client_of

pytestmark = pytest.mark.django_db(transaction=True)

LIVE = "points = message['payload']['points']\nresult = {'points': points + get_score(), 'luck': rand()}\naward(points=1)\n"
BARE = "result = {'points': 1}\n"


@pytest.fixture
def script() -> Iterator[Script]:
    with arena_registered():
        yield make_script(LIVE)


@pytest.fixture
def designer(script: Script) -> Client:
    return client_of("view", "edit", "run", "publish")


@pytest.fixture
def recorded(script: Script) -> Execution:
    (found,) = record("arena", "scorer", "arena.hit", [{"points": 3, "secret": "swordfish"}], key="ada")
    return found


def ran(client: Client, source: str = LIVE) -> dict[str, Any]:
    status, answer = ask(client, "POST", "api/cases", source=source)
    assert status == 200, answer
    return dict(answer)


def keep(client: Client, name: str, **document: Any) -> tuple[int, Any]:
    return ask(client, "POST", "api/cases/keep", **{"source": LIVE, "name": name} | document)


def test_an_event_that_happened_is_kept_with_what_its_game_answered_then(designer: Client, recorded: Execution) -> None:
    assert keep(designer, "three", execution=str(recorded.pk), note="3 points") == (
        200,
        {"name": "three", "hidden": True},
    )
    case = Case.objects.get()
    content = case.decoded()
    assert content.event is not None
    assert (content.event.topic, content.event.key, content.event.payload["points"]) == ("arena.hit", "ada", 3)
    assert (content.seed, content.clock_us) == (recorded.seed, recorded.clock_us)
    assert [(read.function, read.arguments, read.answer) for read in content.reads] == [("get_score", {}, 0)]
    assert [each.at for each in content.expect] == ["outcome", "result", "effects"]
    assert (case.origin, case.user, content.note) == ("editor", "dora", "3 points")
    assert "swordfish" not in case.document
    answer = ran(designer)
    assert (answer["sentence"], answer["red"]) == ("1 case", 0)
    answer = ran(designer, LIVE.replace("points + get_score()", "points + 7"))
    (red,) = answer["cases"]
    assert (answer["sentence"], red["message"]) == ("1 case, 1 red", "result.points: expected 3, got 10")
    assert keep(designer, "three", execution=str(recorded.pk))[0] == 409


def test_a_trial_on_ones_own_inputs_is_kept_within_a_tolerance_or_by_its_class(designer: Client) -> None:
    given = {"input": "topic:arena.hit", "payload": {"points": 5}, "seed": "9"}
    assert keep(designer, "near", hold="within", tolerance="2", **given)[0] == 200
    assert keep(designer, "alike", hold="class", **given)[0] == 200
    assert ran(designer, LIVE.replace("points +", "1 + points +"))["red"] == 0
    assert ran(designer, LIVE.replace("points +", "3 + points +"))["red"] == 1
    assert ran(designer, "result = 1 / 0\n")["red"] == 2
    assert keep(designer, "fails", source="result = 1 / 0\n", input="", payload={})[0] == 200
    found = {each["name"]: each for each in ran(designer)["cases"]}
    assert found["fails"]["message"].startswith("it fails")


def test_a_case_is_tried_again_with_its_reads_and_a_changed_payload(designer: Client, recorded: Execution) -> None:
    keep(designer, "three", execution=str(recorded.pk))
    case = Case.objects.get()
    content = json.loads(case.document)
    content["reads"] = [{"function": "get_score", "answer": 40}]
    cases.change(case, case_text.decode(json.dumps(content)), user="dora")
    answer = designer.get(f"{ROOT}api/cases/of/three").json()
    assert (answer["source"], json.loads(answer["payload"])["points"], answer["seed"]) == ("topic:arena.hit", 3, str(recorded.seed))  # fmt: skip
    status, tried = ask(designer, "POST", "api/trial", source=LIVE, case="three")
    assert status == 200, tried
    assert json.loads(tried["trial"]["result"])["points"] == 43
    _, tried = ask(designer, "POST", "api/trial", source=LIVE, case="three", payload={"points": 1})
    assert json.loads(tried["trial"]["result"])["points"] == 41


def test_expectations_are_changed_and_what_is_none_is_refused_with_its_place(designer: Client) -> None:
    keep(designer, "one", source=BARE, input="", payload={})
    expect = '[{"at": "result.points", "between": [2, 3]}]'
    assert ask(designer, "POST", "api/cases/change", name="one", expect=expect, note="n")[0] == 200
    (case,) = ran(designer, BARE)["cases"]
    assert (case["message"], case["note"]) == ("result.points: expected 2 to 3, got 1", "n")
    assert json.loads(case["expect"]) == json.loads(expect)
    for bad, said in (
        ("[", "Line 1, column 2: Expecting value."),
        ('[{"at": "points"}]', "expect[0].at: a place begins with one of outcome"),
        ('[{"at": "result", "like": 1}]', "expect[0]: Object contains unknown field `like`."),
    ):
        status, answer = ask(designer, "POST", "api/cases/change", name="one", expect=bad)
        assert (status, answer["error"]["message"][: len(said)]) == (422, said)


def test_a_deleted_case_is_run_no_more(designer: Client) -> None:
    keep(designer, "one", source=BARE, input="", payload={})
    assert ask(designer, "POST", "api/cases/remove", name="one")[0] == 200
    assert ran(designer)["sentence"] == "0 cases"
    status, answer = ask(designer, "POST", "api/cases/remove", name="one")
    assert (status, answer["error"]["type"]) == (404, "not_found")


@pytest.mark.parametrize("name", ["", "Scouts", "a b", "1st", "a" * 65])
def test_a_name_that_no_file_could_have_is_refused(name: str, designer: Client) -> None:
    status, answer = keep(designer, name, source=BARE, input="", payload={})
    assert (status, answer["error"]["type"]) == (422, "name")


def test_who_may_try_runs_cases_and_who_may_publish_keeps_them(script: Script, recorded: Execution) -> None:
    trier = client_of("view", "run", "edit", name="tess")
    assert ran(trier)["sentence"] == "0 cases"
    for path in ("keep", "change", "remove"):
        status, answer = ask(trier, "POST", f"api/cases/{path}", name="x")
        assert (status, answer["error"]["message"]) == (403, "Publishing and rolling back needs the permission scripting.publish_script: ask an admin for it.")  # fmt: skip
    looker = client_of("view", name="vera")
    assert ask(looker, "POST", "api/cases", source=LIVE)[0] == 403
    page = trier.get(ROOT).content.decode()
    assert 'id="tab-cases"' in page
    assert "keep-dialog" not in page
    assert "tab-cases" not in looker.get(ROOT).content.decode()


def test_an_execution_and_a_changed_event_of_a_report_lead_to_keep(designer: Client, recorded: Execution) -> None:
    _, answer = ask(designer, "POST", "api/replay", source=LIVE.replace("points +", "1 + points +"))
    link = f"{ROOT}?execution={recorded.pk}&amp;keep=1"
    assert link in designer.get(answer["address"]).content.decode()
    assert link in designer.get(f"{answer['address']}{recorded.pk}/").content.decode()
    assert '"keep": true' in designer.get(f"{ROOT}?execution={recorded.pk}&keep=1").content.decode()
