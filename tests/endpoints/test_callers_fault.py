"""A caller's mistake is the caller's: a 4xx in JSON, recorded, and never counted against the version."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from scripting.metrics import error_groups, folding
from scripting.models import Breaker, ErrorGroup, Execution
from scripting.models.rollups import ExecutionStat
from scripting.modules.calls import CallContext, CallRefused, EffectRefused
from scripting.modules.installed import modules
from scripting.modules.scriptable import ModuleScriptConfig, exposed
from scripting.runtime.host_calls import host_functions
from tests.endpoints.conftest import runs
from tests.support.game import Game

pytestmark = pytest.mark.django_db(transaction=True)


class Throw(msgspec.Struct, forbid_unknown_fields=True):
    sides: int
    name: str = ""
    more: list[int] = []


class Table(msgspec.Struct):
    table: int = 1


BODY = "body = http_request['body']\n"


@pytest.fixture
def thrown(served: Game, client_of_runner: Client, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client of the endpoint, which has schemas."""
    settings.SCRIPTING_BREAKER_FAILURES = 5
    module = modules.get("chess_club")
    assert module is not None
    config = dataclasses.replace(module.config, endpoint_bodies={"/roll": Throw}, endpoint_queries={"/roll": Table})
    monkeypatch.setattr(type(module), "config", config)

    def chair(self: Any, context: CallContext, name: str) -> str:
        raise CallRefused(f"there is no chair {name}")

    def clock(self: Any, context: CallContext) -> int:
        raise CallRefused("no game is on")

    def seat(self: Any, context: CallContext, name: str) -> None:
        raise EffectRefused(f"{name} sits already")

    for method, kind in ((chair, "read"), (clock, "read"), (seat, "effect")):
        monkeypatch.setattr(type(module), method.__name__, exposed(kind=kind)(method), raising=False)  # type: ignore[arg-type]
    module.__init__()  # type: ignore[misc]
    host_functions.cache_clear()
    runs(served, BODY + "result = {'sides': body['sides'], 'table': http_request['query']['table']}\n")
    return client_of_runner


def post(client: Client, body: Any, query: str = "") -> Any:
    return client.post(f"/roll{query}", body, content_type="application/json")


BAD = [
    ({}, "body.sides"),
    ({"sides": "six"}, "body.sides"),
    ({"sides": 6, "name": None}, "body.name"),
    ({"sides": 6, "more": [1, "x"]}, "body.more[1]"),
    ({"sides": 6, "sdies": 6}, "body.sdies"),
    ([6], "body"),
    ('{"sides": ', "body"),
]


def test_bad_bodies_are_their_senders_and_the_version_still_decides(thrown: Client) -> None:
    for body, field in BAD:
        response = post(thrown, body)
        assert response.status_code == 422
        error = response.json()["error"]
        assert (error["type"], error["field"]) == ("refused", field)
        assert error["message"].startswith(f"{field}: ")
        execution = Execution.objects.get(pk=response.json()["execution"])
        assert (execution.status, execution.trigger, execution.version) == ("skipped", "endpoint", None)
        assert execution.error_message == f"refused: {error['message']}"
    assert not Breaker.objects.exists()
    response = post(thrown, {"sides": 6})
    assert (response.status_code, response.json()) == (200, {"sides": 6, "table": 1})
    assert Execution.objects.get(pk=response["X-Execution"]).status == "succeeded"


def test_they_are_no_failures_of_the_script_in_its_figures(thrown: Client) -> None:
    for body, _ in BAD:
        post(thrown, body)
    folding.fold()
    error_groups.fold()
    stat = ExecutionStat.objects.get(span=ExecutionStat.Span.EVER)
    assert (stat.skipped, stat.failed, stat.fell_back) == (len(BAD), 0, 0)
    assert not ErrorGroup.objects.exists()


def test_a_query_has_a_schema_too_and_text_becomes_what_it_says(thrown: Client) -> None:
    assert post(thrown, {"sides": 6}, "?table=3").json() == {"sides": 6, "table": 3}
    response = post(thrown, {"sides": 6}, "?table=three")
    assert (response.status_code, response.json()["error"]["field"]) == (422, "query.table")


def test_a_form_s_numbers_are_numbers(thrown: Client) -> None:
    assert thrown.post("/roll", {"sides": "6"}).json()["sides"] == 6
    assert thrown.post("/roll", {"sides": "six"}).json()["error"]["field"] == "body.sides"


def test_an_error_of_the_script_on_a_good_body_still_counts(served: Game, thrown: Client) -> None:
    runs(served, BODY + "result = body['sides'] / 0\n")
    for _ in range(5):
        assert post(thrown, {"sides": 6}).json()["fallback"] is True
    assert Breaker.objects.get().opened_at is not None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("chair(body['name'])", "there is no chair throne"),
        ("clock()", "no game is on"),
        ("seat(body['name'])", "throne sits already"),
        ("double(body['name'])", "number must be int"),
    ],
)
def test_what_the_game_refuses_of_a_request_is_the_caller_s(
    served: Game, thrown: Client, call: str, message: str
) -> None:
    runs(served, BODY + f"result = {call}\n")
    for _ in range(6):
        response = post(thrown, {"sides": 6, "name": "throne"})
        assert response.status_code == 422
        assert message in response.json()["error"]["message"]
    execution = Execution.objects.get(pk=response.json()["execution"])
    assert (execution.status, execution.error_version) == ("skipped", None)
    assert message in execution.error_message
    assert execution.version == served.script("dice").active_version
    assert not Breaker.objects.exists()


@pytest.mark.parametrize("call", ["chair('sofa')", "double('two')", "double()", "seat('sofa')"])
def test_a_refused_call_with_the_script_s_own_values_counts_against_it(served: Game, thrown: Client, call: str) -> None:
    runs(served, BODY + f"result = {call}\n")
    for _ in range(5):
        assert post(thrown, {"sides": 6, "name": "throne"}).json()["fallback"] is True
    assert Breaker.objects.get().opened_at is not None


def test_a_script_that_goes_on_after_a_refused_call_and_fails_of_itself_is_at_fault(
    served: Game, thrown: Client
) -> None:
    runs(served, BODY + "try:\n    chair(body['name'])\nexcept Exception:\n    pass\nresult = 1 / 0\n")
    assert post(thrown, {"sides": 6, "name": "throne"}).json()["fallback"] is True
    assert Breaker.objects.get().failures == 1


def test_a_json_client_is_told_in_json_whatever_is_wrong(thrown: Client, runner: User) -> None:
    asks = {"Accept": "application/json"}
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(runner)
    for response, status, kind in (
        (strict.post("/roll", {}, headers=asks), 403, "csrf"),
        (thrown.delete("/roll", headers=asks), 405, "method"),
        (thrown.post("/roll", {f"f{n}": "1" for n in range(2000)}, headers=asks), 400, "bad_request"),
        (Client().post("/roll", {}, headers=asks), 403, "forbidden"),
    ):
        assert (response.status_code, response.json()["error"]["type"]) == (status, kind)
    assert strict.post("/roll", {}).headers["Content-Type"].startswith("text/html")


def test_a_schema_of_a_path_that_is_no_endpoint_is_refused() -> None:
    with pytest.raises(ValueError, match="endpoint_bodies: /rol is in no endpoint_scripts"):
        ModuleScriptConfig(endpoint_scripts={"/roll": "dice"}, endpoint_bodies={"/rol": Throw})


@pytest.mark.parametrize("field", ["distance", "attacker", "terrian"])
def test_a_test_shot_that_does_not_fit_names_its_field(field: str) -> None:
    user = User.objects.create_user("gunner")
    user.user_permissions.add(Permission.objects.get(codename="play_game"))
    client = Client()
    client.force_login(user)
    response = client.post("/debug/hit", {field: ["x"]}, content_type="application/json")
    assert (response.status_code, response.json()["error"]["field"]) == (422, f"body.{field}")
