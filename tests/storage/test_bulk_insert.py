"""How many rows are stored at once."""

from __future__ import annotations

import random

import pytest
from django.db import connection

from scripting import clock
from scripting.models import Execution, uuid7
from scripting.storage.bulk_insert import insert_all, insert_rows, ready
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


def test_rows_made_ready_are_stored_as_others_are(transactional_db: None) -> None:
    moment = clock.now()
    common = {"script_id": make_script("result = 1\n").pk, "trigger": "event", "status": "succeeded", "role": "primary"}
    common |= {"started_at": moment, "finished_at": moment, "inputs": b"\x80"}
    rows = [common | {"id": uuid7(), "key": f"{n}", "cause": uuid7() if n else None, "log": b"x" * n} for n in range(5)]
    for some in (rows, rows[:1]):
        insert_rows(Execution, some)
        stored = list(Execution.objects.order_by("id").values())
        Execution.objects.all().delete()
        insert_all([(Execution, ready(Execution, some))])
        assert list(Execution.objects.order_by("id").values()) == stored
        assert len(stored) == len(some)
        Execution.objects.all().delete()
