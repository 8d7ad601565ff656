"""The admin's pages of executions: found, filtered, and told as a story; secrets masked."""

from __future__ import annotations

import copy

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from scripting.bus.events import Event
from scripting.engine import get_engine
from scripting.execution.ledger import commit
from scripting.insight.executions import listing
from scripting.models import Execution, uuid7
from scripting.sources import sync
from scripting.types import ExecutionRequest, ScriptInput, ScriptOutput
from tests.support.game import Game

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "admin:scripting_execution_changelist"


@pytest.fixture
def boss(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


def run(game: Game, text: str = "result = 1\n", trigger: str = "manual", **context: object) -> ScriptOutput:
    game.ship("dice", text)
    sync.sync()
    from scripting.registry.active import registry

    registry.forget()
    return get_engine().execute(ExecutionRequest("chess_club", "dice", ScriptInput(context), trigger=trigger))


def story(client: Client, execution_id: str | None) -> str:
    response = client.get(reverse("admin:scripting_execution_change", args=[execution_id]))
    assert response.status_code == 200
    return response.content.decode()


def listed(client: Client, **query: str) -> set[str]:
    response = client.get(reverse(LIST), query)
    assert response.status_code == 200
    return {str(execution.pk) for execution in response.context["page"].rows}


def test_the_page_tells_inputs_result_log_calls_and_how_to_repeat_it(game: Game, boss: Client) -> None:
    """Requirements 7.1 and 7.4."""
    output = run(game, "log('a line of the log')\nresult = {'doubled': double(21), 'given': side}\n", side="red")
    text = story(boss, output.execution_id)
    for part in (
        "a line of the log",
        "&quot;doubled&quot;: 42",
        "&quot;side&quot;: &quot;red&quot;",
        "double",
        str(output.seed),
    ):
        assert part in text
    assert f"run_script --repeat {output.execution_id}" in text


def test_a_failure_shows_its_line_with_a_caret_and_what_to_do(game: Game, boss: Client) -> None:
    """Requirement 7.4."""
    output = run(game, "points = {}\nresult = points['x']\n")
    text = story(boss, output.execution_id)
    assert "line 2, column 10" in text
    assert "result = points[&#x27;x&#x27;]\n         ^" in text
    assert "Look at the inputs" in text
    assert "medium severity" in text
    assert text.count('class="goby-line-error"') == 1, "the version as it was, its failing line marked"


def test_a_fallback_shows_every_attempt_and_the_version_that_failed(game: Game, boss: Client) -> None:
    run(game, "result = 1\n")
    output = run(game, "result = 1 / 0\n", trigger="endpoint")
    text = story(boss, output.execution_id)
    assert "Primary" in text
    assert "Fallback" in text
    assert "Open v2 at this line" in text


def test_text_from_scripts_is_escaped_and_shows_its_control_characters(game: Game, boss: Client) -> None:
    """DESIGN.md, fixed rule 11."""
    output = run(game, "log('<script>1</script>')\nlog('\\u202e')\nresult = '<img src=x>\\x1b'\n")
    text = story(boss, output.execution_id)
    assert "<script>1" not in text
    assert "<img src=x>" not in text
    assert "\u202e" not in text
    assert "\x1b" not in text


def test_sensitive_fields_of_a_topic_are_masked_wherever_they_occur(game: Game, boss: Client) -> None:
    game.ship("dice", "log('rolled')\nresult = message['payload']\n")
    sync.sync()
    event = Event(
        id="event-1",
        topic="chess_club.roll",
        payload={"sides": 6, "secret": "hunter2"},
        subscribers=[("chess_club", "dice")],
    )
    commit([get_engine().decide(event, "chess_club", "dice")])
    execution = Execution.objects.get()
    assert execution.result_value["secret"] == "hunter2"  # the record is whole
    text = story(boss, str(execution.pk))
    assert "hunter2" not in text
    assert "•••" in text
    assert "hunter2" not in boss.get(reverse(LIST)).content.decode()


def test_executions_are_found_by_ids_keys_and_text(game: Game, boss: Client) -> None:
    red = run(game, "result = side\n", side="red").execution_id
    blue = run(game, "result = side\n", side="blue").execution_id
    assert listed(boss) == {red, blue}
    assert listed(boss, q=str(red)) == {red}
    assert listed(boss, q="blue") == {blue}
    assert listed(boss, q="green") == set()


@pytest.mark.parametrize("term", ["'", "%", "\\", "0" * 40, "\u202e", "x" * 3000, "-", "☃"])
def test_odd_search_terms_find_nothing_and_break_nothing(game: Game, boss: Client, term: str) -> None:
    run(game)
    assert boss.get(reverse(LIST), {"q": term}).status_code == 200


@pytest.mark.any_database
def test_executions_are_filtered_by_module_script_status_error_and_trigger(game: Game, boss: Client) -> None:
    good = run(game).execution_id
    bad = run(game, "result = 1 / 0\n").execution_id
    assert listed(boss, status="failed") == {bad}
    assert listed(boss, error="execution") == {bad}
    assert listed(boss, module="chess_club", trigger="manual") == {good, bad}
    assert listed(boss, script=str(game.script("dice").pk)) == {good, bad}
    assert listed(boss, topic="chess_club.roll") == set()


def many(execution: Execution, count: int) -> None:
    """Further rows like this one."""
    rows = []
    for _ in range(count):
        execution.pk = uuid7()
        rows.append(copy.copy(execution))
    Execution.objects.bulk_create(rows)


def test_the_list_never_counts_the_whole_table_nor_asks_once_per_row(game: Game, boss: Client) -> None:
    run(game)
    many(Execution.objects.get(), 60)
    with CaptureQueriesContext(connection) as few:
        boss.get(reverse(LIST))
    many(Execution.objects.first(), 500)
    with CaptureQueriesContext(connection) as more:
        response = boss.get(reverse(LIST))
    assert len(more) == len(few)
    assert len(response.context["page"].rows) == listing.PAGE
    asked = [q["sql"] for q in more.captured_queries if 'FROM "scripting_execution"' in q["sql"]]
    assert asked
    assert not [sql for sql in asked if "COUNT(" in sql]
    assert all("LIMIT" in sql or '"scripting_execution"."id" IN (' in sql for sql in asked), (
        "bounded, by a count or by the ids found"
    )


def test_executions_are_read_only_for_everyone(game: Game, boss: Client) -> None:
    output = run(game)
    url = reverse("admin:scripting_execution_change", args=[output.execution_id])
    assert boss.post(url, {"status": "succeeded"}).status_code == 403
    assert boss.post(url.replace("change", "delete"), {"post": "yes"}).status_code == 403
    assert boss.get(reverse("admin:scripting_execution_add")).status_code == 403


def test_a_log_that_went_with_its_process_is_not_told_as_nothing_written(game: Game, boss: Client) -> None:
    output = run(game)
    assert "The script wrote nothing." in story(boss, output.execution_id)
    Execution.objects.update(log_truncated=True)
    page = story(boss, output.execution_id)
    assert "The log is lost" in page
    assert "The script wrote nothing." not in page


def test_memory_is_told_as_finely_as_it_is_measured(game: Game, boss: Client) -> None:
    output = run(game)
    assert "&lt; 256 KiB" in story(boss, output.execution_id)
    Execution.objects.update(memory_bytes=0, error_type="timeout", status="failed")
    page = story(boss, output.execution_id)
    assert "not measured" in page
    assert "&lt; 256 KiB" not in page
