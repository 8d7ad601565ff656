"""Endpoint scripts over HTTP: GET is safe, POST takes CSRF and permission, and no secret reaches a script."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import clear_url_caches, include, path, reverse

from scripting.endpoints import MAX_BODY_BYTES, endpoint_name, endpoint_urls
from scripting.models import Execution
from scripting.modules.installed import modules
from scripting.modules.scriptable import ModuleScriptConfig, ScriptableModule
from scripting.registry.active import registry
from scripting.sources import sync
from tests.endpoints.conftest import runs
from tests.support.game import Game

pytestmark = pytest.mark.django_db(transaction=True)


def test_get_shows_what_is_there_and_runs_nothing(served: Game) -> None:
    response = Client().get("/roll")
    assert response.json()["script"] == "dice"
    assert response.json()["may_run"] is False
    assert not Execution.objects.exists()


def test_post_runs_the_script_with_the_request_and_records_it(served: Game, client_of_runner: Client) -> None:
    """Requirements 1.4 and 1.5 over HTTP."""
    response = client_of_runner.post("/roll?side=red", {"n": 2}, content_type="application/json")
    assert response.status_code == 201
    seen = response.json()
    assert (seen["method"], seen["path"], seen["query"], seen["body"]) == ("POST", "/roll", {"side": "red"}, {"n": 2})
    execution = Execution.objects.get(pk=response["X-Execution"])
    assert (execution.trigger, execution.status) == ("endpoint", "succeeded")
    inputs = execution.inputs_value
    assert (inputs["endpoint"], inputs["http_method"], inputs["http_path"]) == ("/roll", "POST", "/roll")
    assert inputs["http_body"] == '{"n": 2}'


def test_the_script_may_set_few_headers_and_no_cookie(served: Game, client_of_runner: Client) -> None:
    response = client_of_runner.post("/roll")
    assert response["X-Script"] == "dice"
    assert "a" not in response.cookies


def test_secret_headers_and_the_form_s_token_never_reach_a_script(served: Game, client_of_runner: Client) -> None:
    """Requirement 8.1."""
    response = client_of_runner.post(
        "/roll",
        {"csrfmiddlewaretoken": "token-1", "n": "2"},
        headers={
            "Authorization": "Bearer secret-1",
            "X-CSRFToken": "token-2",
            "X-Other": "not listed",
            "Accept": "text/html",
        },
    )
    seen = response.json()
    assert seen["headers"].keys() <= {"Accept", "Content-Type"}
    assert seen["body"] == {"n": "2"}
    text = str(Execution.objects.get().inputs_value)
    for secret in ("secret-1", "token-1", "token-2", "sessionid", "not listed"):
        assert secret not in text


def test_post_without_csrf_token_is_refused(served: Game, runner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(runner)
    assert client.post("/roll").status_code == 403
    assert not Execution.objects.exists()


def test_csrf_is_checked_even_where_the_site_s_middleware_is_off(served: Game, runner: User, settings: Any) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Csrf" not in name]
    client = Client(enforce_csrf_checks=True)
    client.force_login(runner)
    assert client.post("/roll").status_code == 403


def test_post_without_permission_is_refused(served: Game) -> None:
    client = Client()
    client.force_login(User.objects.create_user("visitor"))
    assert client.post("/roll").status_code == 403
    assert client.post("/roll", {}, content_type="application/json").json()["error"]["type"] == "forbidden"
    assert Client().post("/roll").status_code == 302
    assert not Execution.objects.exists()


def test_a_body_beyond_the_bound_is_refused(served: Game, client_of_runner: Client) -> None:
    response = client_of_runner.post("/roll", b"x" * (MAX_BODY_BYTES + 1), content_type="text/plain")
    assert response.status_code == 413
    assert not Execution.objects.exists()


def test_plain_data_is_the_answer_itself(served: Game, client_of_runner: Client) -> None:
    runs(served, "result = [1, 'two', None]\n")
    response = client_of_runner.post("/roll")
    assert (response.status_code, response.json()) == (200, [1, "two", None])


@pytest.mark.parametrize("status", ["302", "99", "'200'", "True"])
def test_a_script_cannot_redirect_or_make_up_a_status(served: Game, client_of_runner: Client, status: str) -> None:
    runs(served, f"result = {{'status': {status}, 'body': 'x'}}\n")
    assert client_of_runner.post("/roll").status_code == 200


def test_text_is_never_html(served: Game, client_of_runner: Client) -> None:
    runs(served, "result = {'status': 200, 'body': '<script>alert(1)</script>'}\n")
    response = client_of_runner.post("/roll")
    assert response["Content-Type"].startswith("text/plain")
    assert response["X-Content-Type-Options"] == "nosniff"


def runs_alone(game: Game, text: str) -> None:
    """Make `text` the default, with no earlier version to fall back to."""
    game.ship("dice", text)
    sync.sync()
    script = game.script("dice")
    script.activations.exclude(version=script.active_version).delete()
    registry.forget()


def test_where_the_script_fails_the_built_in_rule_answers_and_is_marked(served: Game, client_of_runner: Client) -> None:
    """Requirement 6.4."""
    runs_alone(served, "result = 1 / 0\n")
    response = client_of_runner.post("/roll")
    assert response.status_code == 200
    assert response.json() == {"fallback": True, "decided_by": "built_in", "result": {"points": 0}}
    assert Execution.objects.get().status == "fell_back"


@pytest.mark.any_database
def test_where_nothing_stands_in_the_failure_is_a_502_with_its_place(
    served: Game, client_of_runner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requirement 7.4."""
    runs_alone(served, "result = 1 / 0\n")
    monkeypatch.setattr(type(modules.get("chess_club")), "built_in", ScriptableModule.built_in)
    response = client_of_runner.post("/roll")
    assert response.status_code == 502
    error = response.json()["error"]
    assert (error["type"], error["script"], error["line"]) == ("execution", "chess_club/dice", 1)
    assert Execution.objects.get().status == "failed"


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'{"n": ' + b"9" * 5000 + b"}", b"\xff\xfe"])
def test_odd_bodies_reach_the_script_as_text_or_data_and_break_nothing(
    served: Game, client_of_runner: Client, body: bytes
) -> None:
    response = client_of_runner.post("/roll", body, content_type="application/json")
    assert response.status_code == 201


@pytest.mark.parametrize("body", ['{"a": "\\ud800"}', '{"\\udfff": 1}', '{"a":' * 60 + "1" + "}" * 60])
def test_json_that_no_script_could_be_given_reaches_it_as_text(
    served: Game, client_of_runner: Client, body: str
) -> None:
    response = client_of_runner.post("/roll", body, content_type="application/json")
    assert (response.status_code, response.json()["body"]) == (201, body)


@pytest.mark.any_database
def test_two_modules_have_endpoints_of_one_path(served: Game, client_of_runner: Client) -> None:
    class Checkers(ScriptableModule):
        name = "checkers"
        package = "chess_club_package"
        config = ModuleScriptConfig(endpoint_scripts={"/roll": "dice", "/roll/": "dice"})

    modules.register(Checkers())
    urls: Any = sys.modules["chess_club_urls"]
    urls.urlpatterns = [
        path("chess/", include(endpoint_urls("chess_club"))),
        path("checkers/", include(endpoint_urls("checkers"))),
    ]
    clear_url_caches()
    assert reverse(endpoint_name("chess_club", "/roll")) == "/chess/roll"
    assert reverse(endpoint_name("checkers", "/roll")) == "/checkers/roll"
    assert reverse(endpoint_name("checkers", "/roll/")) == "/checkers/roll/"
    for module, prefix in (("chess_club", "chess"), ("checkers", "checkers")):
        assert client_of_runner.get(f"/{prefix}/roll").json()["module"] == module
