"""ScriptEngine.execute: a script by name, its failure as a value, its Execution and effects in one transaction."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime

import pytest
from django.db import connections

from scripting import clock
from scripting.bus.events import Event
from scripting.engine import get_engine
from scripting.execution.admission import TooManyExecutions
from scripting.execution.replay import replay
from scripting.models import Attempt, Execution, OutboxEvent, Script
from scripting.registry.active import registry
from scripting.registry.resolved import ResolvedScript
from scripting.types import ErrorType, ExecutionRequest, ScriptInput, SecurityLimits
from tests.support.arena import Arena, make_script, score

pytestmark = pytest.mark.django_db(transaction=True)


def run(context: dict[str, object] | None = None, **request: object):
    request = {"trigger": "event", "key": "ada", **request}
    return get_engine().execute(ExecutionRequest("arena", "scorer", ScriptInput(context or {}), **request))


def test_1_4_and_1_5_context_goes_in_and_result_logs_metrics_come_back(arena: Arena) -> None:
    make_script("log(f'hello {who}')\nresult = {'points': points * 2}")
    output = run({"who": "Ada", "points": 21})
    assert output.ok, output.error
    assert output.result == {"points": 42}
    assert output.logs == ["hello Ada"]
    assert output.metrics.wall_us > 0
    assert output.version is not None
    assert (output.version.number, output.version.language) == (1, "python")


def test_what_ran_is_recorded_with_inputs_result_version_seed_and_clock(arena: Arena) -> None:
    script = make_script("log('x')\nresult = {'points': 3}")
    output = run({"a": [1, None, 2.5]}, user_id="ada", request_id="r1")
    execution = Execution.objects.get(pk=output.execution_id)
    assert execution.script == script
    assert execution.version == script.active_version
    assert execution.status == Execution.Status.SUCCEEDED
    assert execution.result_value == {"points": 3}
    assert [line.text for line in execution.log_lines] == ["x"]
    assert execution.inputs_value == {"a": [1, None, 2.5]}
    assert (execution.user, execution.request_id) == ("ada", "r1")
    assert execution.seed == output.seed
    assert execution.clock_us == output.clock_us
    assert execution.started_at <= execution.finished_at


def test_the_same_inputs_seed_and_clock_give_the_identical_result(arena: Arena) -> None:
    make_script(
        "import random\nresult = {'points': 0, 'dice': [random.randint(1, 6) for _ in range(50)], 'at': timestamp()}"
    )
    first = run()
    again = get_engine().execute(
        ExecutionRequest("arena", "scorer", ScriptInput({}, first.seed, first.clock_us), trigger="event", key="ada")
    )
    other = run()
    assert first.result == again.result
    assert first.result["dice"] != other.result["dice"]


@pytest.mark.slow
def test_a_run_out_of_time_again_is_the_same_wherever_it_was_stopped(arena: Arena) -> None:
    make_script("i = 0\nwhile True:\n    i += 1\n    log(i)\n    i += 1\n")
    output = get_engine().execute(
        ExecutionRequest("arena", "scorer", limits=SecurityLimits(max_execution_time=0.2), trigger="manual")
    )
    assert output.error is not None
    Execution.objects.update(error_line=999, log=b"\x90")
    Script.objects.update(max_execution_time=0.2)
    repeated = replay(str(output.execution_id))
    assert repeated.identical, repeated.differences
    assert "not compared" in repeated.remarks[0]


def test_a_recorded_run_repeats_exactly_with_its_host_answers(arena: Arena) -> None:
    make_script("result = {'points': get_score() + 1, 'luck': rand()}")
    output = run(key="bea")
    assert output.result["points"] == 1
    run(key="bea")
    assert score("bea") == 3
    repeated = replay(str(output.execution_id))
    assert repeated.identical, repeated.differences
    assert repeated.attempt.value == output.result, "the score read is the recorded one"
    assert score("bea") == 3, "a repeated run does nothing"


def test_effects_are_committed_with_the_execution(arena: Arena) -> None:
    make_script("award(5)\nresult = {'points': 1}")
    assert run(key="cleo").ok
    assert score("cleo") == 6


def test_reads_show_the_state_before_the_runs_own_effects(arena: Arena) -> None:
    make_script("award(5)\nresult = {'points': 0, 'seen': get_score()}")
    assert run(key="dee").result["seen"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["1 / 0", "while True: pass", "x = [0] * 10**9"])
def test_6_4_a_run_that_fails_leaves_nothing_half_done_and_the_built_in_rule_decides(arena: Arena, ending: str) -> None:
    make_script(f"award(500)\nresult = {{'points': 1}}\n{ending}")
    limits = SecurityLimits(max_execution_time=0.5)
    output = run({"message": {"payload": {"points": 3}}}, key="eve", limits=limits)
    assert output.status == Execution.Status.FELL_BACK
    assert output.result == {"points": 3}
    assert score("eve") == 3
    execution = Execution.objects.get(pk=output.execution_id)
    assert execution.role == "built_in"
    assert execution.error_type in {"execution", "timeout", "memory_limit"}
    roles = [attempt.role for attempt in execution.attempts.all()]
    assert (roles[0], roles[-1]) == ("primary", "built_in")


def test_the_previous_good_version_is_tried_before_the_built_in_rule(arena: Arena) -> None:
    make_script("result = {'points': 7}")
    make_script("result = {'points': missing_name}")
    output = run(key="fay")
    assert output.status == Execution.Status.FELL_BACK
    assert score("fay") == 7
    assert output.version is not None
    assert output.version.number == 1
    assert Execution.objects.get(pk=output.execution_id).error_type == "execution"
    assert Attempt.objects.count() == 2


def test_a_manual_run_shows_its_failure_instead_of_falling_back(arena: Arena) -> None:
    make_script("result = 1 / 0")
    output = run(trigger="manual")
    assert output.error is not None
    assert output.error.type is ErrorType.EXECUTION
    assert output.error.line == 1
    assert "ZeroDivisionError" in output.error.message
    assert Execution.objects.get(pk=output.execution_id).status == Execution.Status.FAILED


def test_an_outcome_that_the_game_refuses_counts_as_failed_and_falls_back(arena: Arena) -> None:
    make_script("award(1)\nresult = {'points': 10**6}")
    output = run({"message": {"payload": {"points": 2}}}, key="gil")
    execution = Execution.objects.get(pk=output.execution_id)
    assert execution.status == Execution.Status.FELL_BACK
    assert "refused" in execution.error_message
    assert score("gil") == 2, "neither the refused points nor the effect before them"


def test_a_disabled_script_is_skipped_and_the_built_in_rule_runs(arena: Arena) -> None:
    script = make_script("result = {'points': 100}")
    script.enabled = False
    script.save()
    output = run({"message": {"payload": {"points": 2}}}, key="hal")
    assert output.status == Execution.Status.SKIPPED
    assert score("hal") == 2


def test_follow_ups_become_outbox_rows_of_the_same_transaction(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    relayed: list[tuple[Event, bytes]] = []
    monkeypatch.setattr("scripting.execution.ledger.relay_events", lambda events, _later: relayed.extend(events))
    make_script("publish_event('arena.aftermath', {'points': 2})\nresult = {'points': 1, 'follow_up': [{'points': 3}]}")
    output = run(key="ida", depth=3)
    assert output.ok, output.error
    rows = list(OutboxEvent.objects.all())
    assert [row.topic for row in rows] == ["arena.aftermath"] * 2
    assert {str(row.cause) for row in rows} == {output.execution_id}
    assert sorted(event.id for event, _ in relayed) == sorted(str(row.pk) for row in rows)


def test_a_follow_up_past_the_greatest_depth_is_recorded_as_refused(arena: Arena) -> None:
    make_script("result = {'points': 1, 'follow_up': [{'points': 3}]}")
    output = run(key="joy", depth=8)
    assert output.ok
    assert not OutboxEvent.objects.exists()
    refused = Execution.objects.get(status=Execution.Status.SKIPPED)
    assert refused.topic == "arena.aftermath"
    assert "8 deep" in refused.error_message
    assert str(refused.cause) == output.execution_id


def test_a_follow_up_that_does_not_fit_its_topic_is_refused_like_any_outcome(arena: Arena) -> None:
    make_script("result = {'points': 1, 'follow_up': [{'points': 'many'}]}")
    output = run({"message": {"payload": {"points": 2}}}, key="kim")
    assert output.status == Execution.Status.FELL_BACK
    assert "points" in Execution.objects.get(pk=output.execution_id).error_message


def test_sensitive_fields_are_masked_in_what_pages_search_but_kept_for_replay(arena: Arena) -> None:
    make_script("result = {'points': 1}")
    output = run(
        {"message": {"payload": {"points": 2, "secret": "hunter2"}}, "message_payload": "hunter2"}, topic="arena.hit"
    )
    execution = Execution.objects.get(pk=output.execution_id)
    assert "hunter2" not in execution.inputs_text
    assert "•••" in execution.inputs_text
    assert execution.inputs_value["message"]["payload"]["secret"] == "hunter2"


def test_8_5_a_missing_script_is_not_found_and_says_what_there_is(arena: Arena) -> None:
    make_script("result = 1", name="other")
    output = get_engine().execute(ExecutionRequest("arena", "nothing"))
    assert output.error is not None
    assert output.error.type is ErrorType.NOT_FOUND
    assert "arena/other" in output.error.message
    assert "sync_scripts" not in output.error.message


def test_a_script_that_its_module_ships_and_nobody_took_in_is_not_found_with_the_command_that_does(
    arena: Arena,
) -> None:
    output = get_engine().execute(ExecutionRequest("arena", "scorer"))
    assert output.error is not None
    assert output.error.message.endswith(
        "(module arena has: none); `manage.py sync_scripts` takes in what modules ship"
    )


def test_inputs_that_are_no_plain_data_are_an_error_naming_the_path(arena: Arena) -> None:
    make_script("result = 1")
    output = run({"a": [1, {"b": object()}]})
    assert output.error is not None
    assert "a" in output.error.message
    assert "b" in output.error.message


@pytest.mark.parametrize(
    "source",
    ["result = float('nan')", r"result = 'nul \x00 here'", r"log('\x00\u202e')", "raise ValueError('\\x00 \\ud800')"],
)
def test_no_value_from_a_script_makes_a_commit_fail(arena: Arena, source: str) -> None:
    make_script(source)
    output = run(trigger="manual")
    execution = Execution.objects.get(pk=output.execution_id)
    assert "\x00" not in execution.result_text + execution.error_message
    assert execution.status in {Execution.Status.SUCCEEDED, Execution.Status.FAILED}


def test_1_4_aexecute_runs_without_blocking_the_event_loop(arena: Arena) -> None:
    make_script("x = 0\nwhile x < 300000: x += 1\nresult = {'points': 1}")

    async def both() -> list[str]:
        order: list[str] = []

        async def script() -> None:
            await get_engine().aexecute(ExecutionRequest("arena", "scorer", trigger="manual"))
            order.append("script")

        async def tick() -> None:
            await asyncio.sleep(0)
            order.append("tick")

        await asyncio.gather(script(), tick())
        return order

    assert asyncio.run(both()) == ["tick", "script"]


def test_executions_beyond_the_maximum_are_refused_or_wait_until_their_deadline(arena: Arena, settings) -> None:
    settings.SCRIPTING_MAX_CONCURRENT = 1
    make_script("while True: pass")
    started = threading.Event()

    def endless() -> None:
        started.set()
        get_engine().execute(
            ExecutionRequest("arena", "scorer", execution_id="0190f5e0-0000-7000-8000-000000000001", limits=LONG)
        )
        connections.close_all()

    thread = threading.Thread(target=endless)
    thread.start()
    started.wait(5)
    try:
        while not get_engine().contexts.running():
            pass
        with pytest.raises(TooManyExecutions, match="SCRIPTING_MAX_CONCURRENT"):
            run()
        with pytest.raises(TooManyExecutions):
            run(queue_deadline=0.05)
    finally:
        get_engine().cancel("0190f5e0-0000-7000-8000-000000000001")
        thread.join(10)
    assert Execution.objects.get().status == Execution.Status.CANCELLED


LONG = SecurityLimits(max_execution_time=20)


@pytest.mark.slow
def test_a_running_execution_is_listed_and_cancelled_from_another_process(arena: Arena) -> None:
    make_script("award(1)\nwhile True: pass")
    identity = "0190f5e0-0000-7000-8000-000000000002"
    outputs = []

    def endless() -> None:
        outputs.append(
            get_engine().execute(ExecutionRequest("arena", "scorer", execution_id=identity, limits=LONG, key="lea"))
        )
        connections.close_all()

    thread = threading.Thread(target=endless)
    thread.start()
    try:
        while not any(line.id == identity for line in get_engine().running()):
            assert thread.is_alive()
    finally:
        from scripting.execution.running import ask_to_cancel

        ask_to_cancel(identity)  # what `cancel` does in a process that does not run it
        thread.join(10)
    assert outputs[0].status == Execution.Status.CANCELLED
    assert outputs[0].error is None
    assert score("lea") == 0
    assert Execution.objects.get().status == Execution.Status.CANCELLED


def test_a_run_begins_before_its_version_is_looked_up(monkeypatch: pytest.MonkeyPatch, arena: Arena) -> None:
    """So no record shows a version that its process had replaced, and acknowledged, before the run began."""
    make_script("result = {'points': 1}")
    looked_up: list[datetime] = []
    resolve = registry.resolve

    def noted(module: str, name: str) -> ResolvedScript:
        looked_up.append(clock.now())
        return resolve(module, name)

    monkeypatch.setattr(registry, "resolve", noted)
    get_engine().execute(ExecutionRequest("arena", "scorer", trigger="manual"))
    assert Execution.objects.get().started_at <= looked_up[-1]
