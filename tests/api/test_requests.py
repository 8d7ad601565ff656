"""The API's requests do the same as the pages and the commands, and tell of it in the same words."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import User
from django.db import connections

from scripting.bus.streams import Stream
from scripting.models import Activation, Execution, Script, ScriptVersion
from scripting.modules.installed import modules
from scripting.registry.active import registry
from scripting.sources import sync
from scripting.workers import drain_job
from tests.api.conftest import Machine, machine_of
from tests.support.game import BETTER, BROKEN, GOOD, Game

pytestmark = pytest.mark.django_db(transaction=True)

DICE = "scripts/chess_club/dice"
BIG = 2**63 - 1


def roll(**more: Any) -> dict[str, Any]:
    return {"topic": "chess_club.roll", "payload": {"sides": 6}, **more}


def live(name: str = "dice") -> ScriptVersion:
    version = Script.objects.get(module="chess_club", name=name).active_version
    assert version is not None
    return version


def drained(key: str) -> None:
    drain_job.drain_once(Stream.of("chess_club", key, ""))


@pytest.fixture
def drain_soon() -> Iterator[Any]:
    """Drain a key's stream in a moment, as a worker would."""
    timers = []

    def later(key: str) -> None:
        def drain() -> None:
            try:
                drained(key)
            finally:
                connections.close_all()

        timer = threading.Timer(0.1, drain)
        timers.append(timer)
        timer.start()

    yield later
    for timer in timers:
        timer.join()


# -- events --------------------------------------------------------------------------------------------------------------


def test_an_event_is_accepted_and_its_outcome_comes_with_wait(machine: Machine, drain_soon: Any) -> None:
    at_once = machine.post("events", roll(key="a"))
    assert (at_once.status_code, at_once.json()["complete"], at_once.json()["outcomes"]) == (202, False, [])
    drain_soon("a")
    answer = machine.post("events?wait=10", roll(key="a", payload={"sides": BIG}))
    assert answer.status_code == 200
    [outcome] = answer.json()["outcomes"]
    assert (outcome["status"], outcome["result"], outcome["version"]) == ("succeeded", {"points": BIG}, 1)
    assert Execution.objects.get(pk=outcome["execution"]).event_id == answer.json()["event"]


def test_an_event_that_is_sent_twice_takes_effect_once_and_answers_the_same(machine: Machine) -> None:
    assert machine.post("events", roll(key="a", id="mine-1")).json()["event"] == "mine-1"
    drained("a")
    again = machine.post("events?wait=5", roll(key="a"), **{"Idempotency-Key": "mine-1"})
    assert (again.status_code, again.json()["event"], len(again.json()["outcomes"])) == (200, "mine-1", 1)
    drained("a")
    assert Execution.objects.count() == 1


def test_an_event_whose_outcome_takes_longer_is_accepted_all_the_same(machine: Machine) -> None:
    answer = machine.post("events?wait=0.05", roll())
    assert (answer.status_code, answer.json()["complete"]) == (202, False)


@pytest.mark.parametrize(
    ("document", "status", "code"),
    [
        (roll(topic="chess_club.rol"), 422, "does_not_fit"),
        (roll(payload={"sides": "six"}), 422, "does_not_fit"),
        (roll(payload={}), 422, "does_not_fit"),
        (roll(payload={"sides": 2**63}), 422, "does_not_fit"),
        (roll(key="k" * 129), 422, "does_not_fit"),
        (roll(key="a\x00b"), 422, "does_not_fit"),
        (roll(payload={"sides": 6, "secret": "\ud83d"}), 422, "does_not_fit"),
        ({"topic": "chess_club.roll"}, 422, "does_not_fit"),
        ([], 422, "does_not_fit"),
        ("{", 400, "not_json"),
        ("", 422, "does_not_fit"),
        (b"\xff", 400, "not_json"),
        ('{"topic": "chess_club.roll", "payload": {"sides": NaN}}', 400, "not_json"),
        ('{"topic": "chess_club.roll", "payload": {"sides": 1e999}}', 400, "not_json"),
        ("[" * 100_000, 400, "not_json"),
        ('{"topic": "' + "x" * (5 << 20) + '"}', 413, "too_large"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_event_is_the_senders_to_mend(machine: Machine, document: Any, status: int, code: str) -> None:
    answer = machine.post("events", document)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.json()
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('{"topic": "chess_club.roll", "payload": {"sides": NaN}}', "NaN is no JSON value"),
        ('{"topic": "chess_club.roll", "payload": {"sides": 1e999}}', "1e999 is too large for a decimal number"),
        ('{"topic": "chess_club.roll",\n "payload": {"sides": 6,}}', "line 2 column"),
        (b"\xff", "can't decode byte 0xff"),
    ],
)
def test_of_a_body_that_is_no_json_the_sender_hears_why_and_where(machine: Machine, body: Any, why: str) -> None:
    detail = machine.post("events", body).json()["detail"]
    assert detail.startswith("The body is no JSON: ")
    assert why in detail


def test_while_redis_is_gone_an_event_is_to_be_sent_again(machine: Machine, redis_server: Any) -> None:
    redis_server.stop()
    answer = machine.post("events", roll(id="again"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert "same id" in answer.json()["detail"]


def test_a_module_with_too_many_events_waiting_takes_no_more_and_says_when(machine: Machine, settings: Any) -> None:
    settings.SCRIPTING_MAX_WAITING = 1
    assert machine.post("events", roll(key="a")).status_code == 202
    answer = machine.post("events", roll(key="a"))
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "overloaded", "5")
    drained("a")
    assert machine.post("events", roll(key="a")).status_code == 202


# -- endpoints -----------------------------------------------------------------------------------------------------------


def test_an_endpoint_answers_as_it_answers_a_browser(club: Game, machine: Machine) -> None:
    club.override("dice", "result = {'status': 201, 'body': {'got': http_request['body']}}\n")
    sync.sync()
    registry.forget()
    answer = machine.post("endpoints/chess_club/roll", {"sides": BIG})
    assert (answer.status_code, answer.json()) == (201, {"got": {"sides": BIG}})
    execution = Execution.objects.get(pk=answer["X-Execution"])
    assert (execution.trigger, execution.status) == ("endpoint", "succeeded")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('{"sides": 6,}', "body: it is no JSON: "),
        ("[" * 100_000 + "]" * 100_000, "body: it is nested too deeply, or has half a character in it"),
    ],
)
def test_a_body_that_an_endpoint_cannot_read_is_told_why_and_not_to_send_the_type_that_it_has(
    club: Game, machine: Machine, body: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Asked(msgspec.Struct):
        sides: int

    module = modules.get("chess_club")
    assert module is not None
    monkeypatch.setitem(module.config.endpoint_bodies, "/roll", Asked)
    answer = machine.post("endpoints/chess_club/roll", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "refused")
    assert answer.json()["detail"].startswith(why)


def test_an_endpoint_that_is_not_there_is_a_problem(machine: Machine) -> None:
    assert machine.post("endpoints/chess_club/nothing").json()["code"] == "no_endpoint"


# -- scripts -------------------------------------------------------------------------------------------------------------


def test_scripts_and_versions_are_read_with_their_texts(machine: Machine) -> None:
    [script] = machine.get("scripts").json()
    assert (script["script"], script["live"]["number"]) == ("chess_club/dice", 1)
    assert script["runs_on"] == ["chess_club.roll", "/roll"]
    assert machine.get(f"{DICE}/versions/1").json()["source"] == live().text
    assert [each["number"] for each in machine.get(f"{DICE}/versions").json()] == [1]
    assert machine.get(f"{DICE}/versions/2").json()["code"] == "no_version"
    assert machine.get("scripts/chess_club/bingo").json()["code"] == "no_script"


def test_times_are_written_as_the_description_names_them(machine: Machine) -> None:
    """`date-time` of OpenAPI is RFC 3339, whose parsers in Go and elsewhere take no blank for the `T`."""
    said = machine.get("scripts/chess_club/dice/versions").json()[0]["created_at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", said)


def test_a_list_has_only_what_the_token_is_for(club: Game, designer: User) -> None:
    club.ship("bingo", GOOD)
    sync.sync()
    machine = machine_of(designer, scripts=("chess_club/b*",))
    assert [each["name"] for each in machine.get("scripts").json()] == ["bingo"]
    assert machine.get(DICE).status_code == 403
    assert machine.get("executions").json()["code"] == "which_script"


def test_a_text_is_checked_and_tried_and_nothing_is_stored(machine: Machine) -> None:
    before = ScriptVersion.objects.count()
    wrong = machine.post(f"{DICE}/check", {"source": BROKEN}).json()
    assert (wrong["ok"], wrong["findings"][0]["severity"], wrong["findings"][0]["line"]) == (False, "error", 1)
    assert machine.post(f"{DICE}/check", {"source": BETTER}).json()["ok"] is True
    text = "log(f'{rand()}')\nresult = {'points': double(message['payload']['sides'])}\n"
    tried = machine.post(
        f"{DICE}/try", {"source": text, "topic": "chess_club.roll", "payload": {"sides": 21}, "seed": 7}
    )
    assert (tried.json()["status"], tried.json()["result"], tried.json()["seed"]) == ("succeeded", {"points": 42}, 7)
    again = machine.post(
        f"{DICE}/try", {"source": text, "topic": "chess_club.roll", "payload": {"sides": 21}, "seed": 7}
    )
    assert again.json()["logs"] == tried.json()["logs"] != []
    assert tried.json()["values"] is None
    valued = machine.post(f"{DICE}/try", {"source": "a = 2\nresult = a\n", "context": {}, "values": True}).json()
    assert valued["values"]["last"] == [[0, 1, 1, "", [["a", "2"]]], [0, 2, 1, "", [["result", "2"]]]]
    failed = machine.post(f"{DICE}/try", {"source": "result = 1 // 0\n", "context": {}}).json()
    assert (failed["error"]["type"], failed["error"]["line"]) == ("execution", 1)
    assert (ScriptVersion.objects.count(), Execution.objects.count()) == (before, 0)


def test_a_replay_reports_what_a_text_would_change(machine: Machine) -> None:
    assert machine.post(f"{DICE}/replay", {"source": BETTER}).json()["code"] == "nothing_recorded"
    for sides in range(1, 7):
        machine.post("events", roll(key="a", payload={"sides": sides}))
    drained("a")
    report = machine.post(f"{DICE}/replay", {"source": BETTER}).json()
    assert (report["events"], report["changed"], report["same"], report["failing"]) == (6, 5, 1, 0)
    assert machine.post(f"{DICE}/replay", {}).json()["same"] == 6


def test_a_published_text_is_live_with_its_author_and_reason(machine: Machine, designer: User) -> None:
    answer = machine.post(f"{DICE}/publish", {"source": BETTER, "reason": "fairer dice", "base": 1})
    assert (answer.json()["version"], answer.json()["changed"]) == (2, True)
    activation = Activation.objects.latest("id")
    assert (live().text, activation.actor, activation.reason) == (BETTER, designer, "fairer dice")
    assert machine.post(f"{DICE}/publish", {"source": BETTER, "reason": "again"}).json()["changed"] is False
    back = machine.post(f"{DICE}/rollback", {"version": 1, "reason": "it was not"})
    assert (back.json()["version"], live().number) == (1, 1)


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"source": BROKEN, "reason": "why"}, 422, "check_failed"),
    ({"source": "import os\n", "reason": "why"}, 422, "check_failed"),
    ({"source": BETTER, "reason": " "}, 422, "refused"),
    ({"source": BETTER, "reason": "why", "language": "lua"}, 422, "language"),
    ({"source": BETTER, "reason": "why", "base": 7}, 404, "no_version"),
    ({"source": "result = nowhere\n", "reason": "why"}, 409, "will_fail"),
    ({"source": "a = '\ud83d'\n", "reason": "why"}, 422, "check_failed"),
    ({"source": "a = '\x00'\n", "reason": "why"}, 422, "check_failed"),
]


@pytest.mark.any_database
@pytest.mark.parametrize(("document", "status", "code"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_cannot_be_published_is_refused_with_the_reason(
    machine: Machine, document: dict[str, Any], status: int, code: str
) -> None:
    answer = machine.post(f"{DICE}/publish", document)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.json()
    assert live().number == 1


def test_a_text_begun_on_an_older_version_is_refused_as_stale(machine: Machine) -> None:
    machine.post(f"{DICE}/publish", {"source": BETTER, "reason": "first"})
    stale = machine.post(f"{DICE}/publish", {"source": GOOD, "reason": "second", "base": 1})
    assert (stale.status_code, stale.json()["code"], stale.json()["live"]) == (409, "stale_base", 2)


def test_the_switch_of_the_browser_holds_for_the_api_too(machine: Machine, settings: Any) -> None:
    machine.post(f"{DICE}/publish", {"source": BETTER, "reason": "first"})
    settings.SCRIPTING_BROWSER_PUBLISH = False
    release = {"reason": "why", "scripts": [{"module": "chess_club", "name": "dice", "source": GOOD}]}
    for address, document in ((f"{DICE}/publish", {"source": GOOD, "reason": "why"}), ("releases", release)):
        assert machine.post(address, document).json()["code"] == "switched_off"
    assert machine.post(f"{DICE}/rollback", {"version": 1, "reason": "it was live"}).status_code == 200


# -- releases ------------------------------------------------------------------------------------------------------------


def release_of(**sources: str) -> dict[str, Any]:
    named = [(name.split("__"), source) for name, source in sources.items()]
    scripts = [{"module": module, "name": name, "source": source} for (module, name), source in named]
    return {"reason": "a season begins", "commit": "abc123", "scripts": scripts}


TABLES = "def twice(n):\n    return 2 * n\n"
WITH_TABLES = "from shared import tables\nresult = {'points': tables.twice(3)}\n"


def test_a_release_makes_scripts_and_helpers_live_together(machine: Machine, designer: User) -> None:
    answer = machine.post("releases", release_of(chess_club__dice=WITH_TABLES, shared__tables=TABLES))
    assert answer.status_code == 200, answer.json()
    assert {each["script"] for each in answer.json()["published"]} == {"chess_club/dice", "shared/tables"}
    assert Activation.objects.latest("id").reason == "a season begins (abc123)"
    again = machine.post("releases", release_of(chess_club__dice=WITH_TABLES, shared__tables=TABLES)).json()
    assert (again["published"], len(again["unchanged"])) == ([], 2)


def test_of_a_release_with_one_wrong_text_nothing_becomes_live(machine: Machine) -> None:
    answer = machine.post("releases", release_of(chess_club__dice=BETTER, shared__tables=BROKEN))
    assert (answer.status_code, list(answer.json()["findings"])) == (422, ["shared/tables"])
    assert live().number == 1


def test_a_dry_run_judges_a_release_and_stores_nothing(machine: Machine) -> None:
    before = (Script.objects.count(), ScriptVersion.objects.count())
    good = machine.post(
        "releases", {**release_of(chess_club__dice=WITH_TABLES, shared__tables=TABLES), "dry_run": True}
    )
    bad = machine.post("releases", {**release_of(chess_club__dice=WITH_TABLES), "dry_run": True})
    assert (good.status_code, bad.status_code) == (200, 422)
    assert (Script.objects.count(), ScriptVersion.objects.count()) == before


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"scripts": []}, "empty"),
        ({"scripts": 2 * [{"module": "chess_club", "name": "dice", "source": GOOD}]}, "doubled"),
        ({"scripts": [{"module": "no_club", "name": "dice", "source": GOOD}]}, "no_module"),
        ({"scripts": [{"module": "chess_club", "name": "Dice!", "source": GOOD}]}, "does_not_fit"),
        ({"reason": ""}, "refused"),
    ],
    ids=str,
)
def test_a_release_that_makes_no_sense_is_refused(machine: Machine, change: dict[str, Any], code: str) -> None:
    answer = machine.post("releases", {**release_of(chess_club__dice=BETTER), **change})
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.json()
    assert live().number == 1


# -- looking -------------------------------------------------------------------------------------------------------------


def test_executions_are_found_page_by_page_and_masked(machine: Machine) -> None:
    for sides in range(1, 6):
        machine.post("events", roll(key="a", payload={"sides": sides, "secret": "hunter22"}))
    drained("a")
    seen: list[str] = []
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        more = {"cursor": page["next"]} if page["next"] else {}
        page = machine.get("executions", script="chess_club/dice", limit=2, **more).json()
        seen += [each["execution"] for each in page["executions"]]
    assert seen == [str(key) for key in Execution.objects.order_by("-pk").values_list("pk", flat=True)]
    whole = machine.get(f"executions/{seen[0]}")
    assert whole.json()["result"] == {"points": 5}
    assert "hunter22" not in json.dumps(whole.json())
    assert machine.get("executions", status="failed").json()["executions"] == []
    assert machine.get("executions", status="odd").json()["code"] == "does_not_fit"
    assert machine.get("executions", cursor="odd").json()["code"] == "does_not_fit"


def test_figures_of_scripts_and_the_fleet_are_told(machine: Machine) -> None:
    machine.post("events", roll(key="a"))
    drained("a")
    [figures] = machine.get("stats").json()
    assert (figures["script"], figures["runs"], figures["failures"]) == ("chess_club/dice", 1, 0)
    assert figures["wall_us"]["p50"] > 0
    assert "chess_club/dice" in machine.get("fleet").json()["scripts"]
    [topic] = machine.get("topics").json()
    assert (topic["name"], topic["scripts"]) == ("chess_club.roll", ["chess_club/dice"])
    assert "properties" in json.dumps(topic["schema"])


@pytest.mark.parametrize(
    "address",
    [
        "scripts/%00/dice",
        "scripts/chess_club/%00",
        "scripts/chess_club/%00/versions",
        "executions?script=chess_club/%00",
    ],
)
def test_an_address_with_a_character_that_no_text_here_has_is_no_failure_of_the_server(
    machine: Machine, address: str
) -> None:
    assert machine.client.get(f"/api/v1/{address}", headers=machine.headers).status_code in (200, 404, 422)
