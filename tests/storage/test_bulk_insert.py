"""How many rows are stored at once."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from scripting import clock
from scripting.models import Execution, OutboxEvent
from scripting.storage.bulk_insert import COPIED, insert_all, insert_rows
from tests.support.arena import make_script


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite compresses nothing")
@pytest.mark.django_db
def test_postgresql_does_not_spend_its_time_on_compressing_executions() -> None:
    moment = clock.now()
    row = {"script_id": make_script("result = 1\n").pk, "trigger": "event", "status": "succeeded", "role": "primary"}
    row |= {"started_at": moment, "finished_at": moment, "inputs": random.Random(7).randbytes(30) * 200}
    insert_rows(Execution, [row])
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_column_compression(inputs), length(inputs) FROM scripting_execution")
        assert cursor.fetchone() == (None, 6000)


def outgoing(count: int) -> list[dict[str, Any]]:
    moment, texts = clock.now(), [f"arena.%s; {number} 'of'" for number in range(count)]
    return [{"topic": text, "envelope": b"\x00%s;" + text.encode(), "created_at": moment} for text in texts]


def executions(count: int) -> list[dict[str, Any]]:
    moment, script = clock.now(), make_script("result = 1\n").pk
    row = {"script_id": script, "trigger": "event", "status": "succeeded", "role": "primary"}
    return [row | {"started_at": moment, "finished_at": moment, "event_id": f"e{number}"} for number in range(count)]


@pytest.mark.django_db
@pytest.mark.parametrize(("first", "then"), [(1, 1), (2, 3), (COPIED, 2), (1, COPIED), (COPIED, COPIED)])
def test_rows_of_several_tables_are_stored_as_they_are_however_many_each_has(first: int, then: int) -> None:
    rows, events = executions(first), outgoing(then)
    insert_all([(Execution, rows), (OutboxEvent, events)])
    assert sorted(Execution.objects.values_list("event_id", flat=True)) == [f"e{number}" for number in range(first)]
    found = {event.topic: bytes(event.envelope) for event in OutboxEvent.objects.all()}
    assert found == {event["topic"]: event["envelope"] for event in events}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite waits for nobody between two statements")
@pytest.mark.django_db
def test_few_rows_of_several_tables_are_sent_to_postgresql_in_one_exchange() -> None:
    rows, events = executions(1), outgoing(2)
    with CaptureQueriesContext(connection) as asked:
        insert_all([(Execution, rows), (OutboxEvent, events)])
    assert len(asked.captured_queries) == 1


@pytest.mark.django_db(transaction=True)
def test_what_a_table_refuses_takes_what_was_sent_along_with_it_back() -> None:
    rows, (event,) = executions(1), outgoing(1)
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_all([(Execution, rows), (OutboxEvent, [event | {"topic": None}])])
    assert not Execution.objects.exists()
    assert not OutboxEvent.objects.exists()
