"""A field that its topic calls sensitive is hidden wherever people read of a run, however a script passed it on."""

from __future__ import annotations

import json
import logging

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from scripting.bus.events import Event
from scripting.engine import get_engine
from scripting.execution.ledger import commit
from scripting.execution.replay import replay
from scripting.management.commands import run_script
from scripting.metrics import error_groups
from scripting.models import Attempt, Breaker, ErrorGroup, Execution
from scripting.types import ExecutionRequest, ScriptInput
from tests.support.arena import Arena, make_script

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = 'hunter"squid é'
PARTS = ("hunter", "squid")
"""Of any of its spellings: as it is, in JSON, in quotes of Python, escaped for HTML."""
COPIES = """
secret = message['payload']['secret']
log(secret)
log('it is ' + secret)
log(message_payload)
log(str(message['payload']))
double(1)
award(1)
publish_event('arena.unheard', {'points': 1, 'secret': secret})
result = {'points': 1, 'deep': [{'secret': secret}], 'copy': secret, 'told': 'it is ' + secret, secret: 2,
    'raw': message_payload, 'all': message['payload']}
"""
FAILS = "log(message['payload']['secret'])\nraise ValueError('wrong: ' + message['payload']['secret'])\n"


def hit(secret: object = SECRET, number: int = 1) -> Execution:
    """An event runs the script."""
    payload = {"points": 1, "secret": secret}
    event = Event(
        id=f"event-{number}", topic="arena.hit", payload=payload, subscribers=[("arena", "scorer")], key="ada"
    )
    commit([get_engine().decide(event, "arena", "scorer")])
    return Execution.objects.get(event_id=event.id)


def shows(text: str) -> bool:
    return any(part in text for part in PARTS)


@pytest.fixture
def boss(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


def ask(client: Client, path: str, **document: object) -> str:
    body = json.dumps({"language": "python", **document})
    return client.post(f"/scripts/arena/scorer/{path}", body, content_type="application/json").content.decode()


def pages_of(execution: Execution) -> dict[str, str]:
    """The addresses that tell of an execution."""
    key = str(execution.pk)
    return {
        "its page": reverse("admin:scripting_execution_change", args=[key]),
        "the list": reverse("admin:scripting_execution_changelist"),
        "the script's page": reverse("admin:scripting_script_change", args=[execution.script_id]),
        "the workbench's inputs": f"/scripts/arena/scorer/api/executions/{key}",
        "the workbench's events": "/scripts/arena/scorer/api/events",
        "the overview": reverse("admin:index"),
    }


@pytest.mark.slow
@pytest.mark.parametrize("text", [COPIES, FAILS], ids=["copies", "fails"])
def test_no_page_or_export_shows_what_a_script_copied_of_a_sensitive_field(
    arena: Arena, boss: Client, text: str
) -> None:
    make_script(text)
    execution = hit()
    for name, address in pages_of(execution).items():
        answer = boss.get(address)
        assert answer.status_code == 200, name
        page = answer.content.decode()
        assert not shows(page), (name, [line for line in page.splitlines() if shows(line)])
        assert "•••" in page or "\\u2022" in page or name == "the overview" or "error" not in text, name
    again = boss.post(reverse("admin:scripting_execution_again", args=[execution.pk])).content.decode()
    assert "Same error" in again
    assert not shows(again)
    for form in ("csv", "json"):
        exported = boss.post(reverse("admin:scripting_execution_export", args=[form]))
        assert not shows("".join(part.decode() for part in exported)), form  # type: ignore[attr-defined]


def test_stored_text_hides_it_and_the_record_for_replay_is_whole(arena: Arena) -> None:
    make_script(COPIES)
    execution = hit()
    assert not shows(execution.result_text)
    assert not shows(execution.inputs_text)
    assert execution.result_value["deep"] == [{"secret": SECRET}]
    assert execution.log_lines[0].text == SECRET
    assert replay(str(execution.pk)).identical


def test_stored_text_has_the_payload_of_an_event_once_and_what_a_caller_gave_whole(arena: Arena) -> None:
    make_script("result = message_payload\n")
    shown = json.loads(hit().inputs_text)
    assert "message_payload" not in shown
    assert shown["message"]["payload"]["points"] == 1
    given = {"message_payload": "of the caller's own"}
    get_engine().execute(ExecutionRequest("arena", "scorer", ScriptInput(context=given)))
    assert json.loads(Execution.objects.latest("started_at").inputs_text).keys() == given.keys()


def test_an_error_that_names_it_hides_it_in_every_record(
    arena: Arena, settings: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SCRIPTING_BREAKER_FAILURES = 1  # type: ignore[attr-defined]
    make_script(FAILS)
    with caplog.at_level(logging.DEBUG, "scripting"):
        execution = hit()
    error_groups.fold()
    messages = [
        execution.error_message,
        ErrorGroup.objects.get().message,
        Breaker.objects.get().last_error,
        *Attempt.objects.values_list("error_message", flat=True),
    ]
    for message in messages:
        assert "wrong: " in message or not message
        assert not shows(message)
    assert replay(str(execution.pk)).identical
    logged = [record.getMessage() for record in caplog.records]
    assert any("•••" in line for line in logged)
    assert not any(shows(line) for line in logged)


@pytest.mark.slow
def test_a_trial_on_a_recorded_event_does_not_show_it(arena: Arena, boss: Client) -> None:
    make_script(COPIES)
    execution = str(hit().pk)
    for path in ("api/trial", "api/sample"):
        for text in (COPIES, FAILS):
            answer = ask(boss, path, source=text, execution=execution, compare=True)
            assert '"runs"' in answer or '"trial"' in answer
            assert not shows(answer), (path, answer)


def test_run_script_repeat_does_not_show_it(arena: Arena, capsys: pytest.CaptureFixture[str]) -> None:
    from django.core.management import call_command

    make_script(COPIES)
    execution = str(hit().pk)
    for flags in ([], ["--json"]):
        call_command(run_script.Command(), "--repeat", execution, *flags)
        said = capsys.readouterr().out
        assert "points" in said
        assert not shows(said)


def test_a_dead_letter_s_payload_hides_it_at_any_depth(arena: Arena) -> None:
    from scripting.modules.masking import mask_of_inputs

    nested = {"points": 1, "more": [{"secret": SECRET, "open": "yes"}]}
    assert mask_of_inputs("arena.hit", nested).value(nested) == {
        "points": 1,
        "more": [{"secret": "•••", "open": "yes"}],
    }
