"""Runs made ahead of their turn: who is shown as running, and how long a worker may be at one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from scripting.bus.events import Event
from scripting.engine import get_engine
from scripting.execution.admission import ExecutionContextManager
from scripting.modules.calls import CallContext
from scripting.supervisor import ahead
from scripting.workers import drain_job
from tests.support.arena import Arena, make_script


def test_of_executions_in_a_row_the_one_whose_turn_it_is_runs() -> None:
    contexts = ExecutionContextManager()
    row = [contexts.context(CallContext("tavern", "barkeeper", name), "event") for name in "abc"]
    with contexts.admit_row(row):
        assert contexts.running() == []
        row[1].cancellation.watch(lambda: None)
        assert contexts.running() == [row[1]]
        row[1].cancellation.release()
        assert contexts.running() == []
    with contexts.admit_row(row[1:2]):
        assert contexts.running() == [row[1]], "it is tried again by itself"


@pytest.mark.django_db(transaction=True)
def test_a_run_made_ahead_that_failed_has_time_for_all_its_attempts(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "SECONDS", 60.0)  # however busy the machine
    monkeypatch.setattr(ahead, "PATIENCE_SECONDS", 60.0)
    monkeypatch.setattr(ahead, "SLOW_US", 60_000_000)
    make_script("result = {'points': 6 // message['payload']['points']}")
    told: list[float] = []
    monkeypatch.setattr(drain_job, "worker", SimpleNamespace(busy=told.append))
    events = [Event(id=str(n), topic="arena.hit", payload={"points": n}, subscribers=[]) for n in (1, 2, 0, 3)]
    get_engine().decide(events[0], "arena", "scorer")
    decisions = drain_job.run_ahead(events, "arena", "scorer", lambda: None)
    del told[:]
    assert [len(decision().attempts) for decision in decisions] == [1, 1, 2, 1]
    assert told == [drain_job.ATTEMPTS * 5.0]
