"""The short ways that an event takes write what the long ways would: the same texts, the same bytes under receipts, the same rows."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.safestring import SafeString
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scripting import clock
from scripting.execution import links, receipts
from scripting.metrics import rollups
from scripting.models import Execution, Role, ScriptVersion, uuid7
from scripting.models.execution import superseded_by
from scripting.models.rollups import OUTCOMES
from scripting.modules.topics import Topic
from scripting.receipts.stored import rows_of
from scripting.storage.bulk_insert import COPIED, COPIED_BYTES, insert_rows
from scripting.storage.bulk_update import update_rows
from scripting.storage.compiled_query import Lookup
from scripting.texts.escaping import display
from tests.support.arena import make_script

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats()
    | st.floats(-1e6, 1e6).map(lambda value: round(value, 3))
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.binary(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('abcé"\\\n\x00\x7f', max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(PLAIN)
@example([1e16, 9007199254740991.0, 0.0001, 0.00012207031249999999, -0.0, 5e-324, math.inf, math.nan, 1e-5])
def test_a_value_is_shown_alike_with_its_msgpack_and_without(value: Any) -> None:
    assert display(value, packed=msgspec.msgpack.encode(value)) == display(value)


def test_many_floats_are_shown_alike() -> None:
    dice = random.Random(7)
    values = [dice.choice((1, -1)) * dice.random() * 10 ** dice.randint(-6, 18) for _ in range(20_000)]
    values += [float(number) for number in range(-2000, 2000)] + [number / 100 for number in range(2000)]
    for value in values:
        assert display(value, packed=msgspec.msgpack.encode(value)) == display(value)


@pytest.mark.parametrize("role", [Role.PRIMARY, "primary", Role.BUILT_IN, ""])
@pytest.mark.parametrize("values", [0, 1, 300, None, ""])
def test_a_receipt_covers_the_same_bytes_as_ever(role: str, values: Any) -> None:
    row: dict[str, Any] = {name: values for name, _ in receipts._record_fields}
    row |= {"id": uuid7(), "role": role, "finished_at": datetime(2026, 3, 1, tzinfo=UTC), "key": "7", "deliveries": 1}
    for each in (row, {name: value for name, value in row.items() if name != "wall_us"}):
        assert receipts.record_text(each) == written_out(each, receipts._record_fields)
        assert receipts.origin_text(each) == written_out(each, receipts._fields(Execution, every_but_origin()))


def every_but_origin() -> frozenset[str]:
    return frozenset(field.attname for field in Execution._meta.local_concrete_fields) - receipts.ORIGIN


def written_out(row: dict[str, Any], fields: Any) -> bytes:
    """As releases before wrote it."""
    kept = {name: row.get(name, default) for name, default in fields if row.get(name, default) != default}
    return msgspec.json.encode(kept)


@pytest.mark.django_db
@pytest.mark.parametrize("together", [True, False])
def test_rows_are_stored_as_they_were_given_or_not_at_all(together: bool) -> None:
    script = make_script("result = 1\n")
    moment = datetime(2026, 3, 1, 12, 30, 0, 250, tzinfo=UTC)
    rows = [
        {
            "id": uuid7(),
            "script_id": script.pk,
            "trigger": Execution.Trigger.EVENT,
            "event_id": f"e{number}",
            "status": "succeeded",
            "cause": uuid7() if number % 2 else None,
            "seed": (1 << 63) - 1 - number,
            "inputs": bytes(range(256)),
            "result": None if number % 2 else b"\\.\n\t",
            "inputs_text": '\\N\t\\.\n"é\u2028😀',
            "started_at": moment,
            "finished_at": moment.replace(microsecond=0),
            "log_truncated": bool(number % 2),
            "user": "" if number < COPIED else SafeString("ann"),
            "host_calls": b"" if number < COPIED else b"\0",
            "error_line": None if number < COPIED else 0,
            "depth": 0 if number < COPIED else 1,
        }
        for number in range(COPIED + 1)
    ]
    for some in [rows] if together else [[row] for row in rows]:
        insert_rows(Execution, some)
    stored = {row["id"]: row for row in Execution.objects.values()}
    for row in rows:
        found = {name: stored[row["id"]][name] for name in row}
        assert {name: bytes(v) if isinstance(v, memoryview) else v for name, v in found.items()} == row
        assert (stored[row["id"]]["role"], stored[row["id"]]["deliveries"], stored[row["id"]]["version_id"]) == (
            "primary",
            1,
            None,
        )
    read = rows_of([row["id"] for row in rows])
    assert links.entries([(row, ()) for row in rows]) == links.entries([read[row["id"]] for row in rows])
    again = [{**row, "id": uuid7(), "event_id": f"f{number}"} for number, row in enumerate(rows)]
    again[-1]["event_id"] = "e0"
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(Execution, again)
    assert Execution.objects.count() == len(rows)


@pytest.mark.django_db
def test_whoever_listens_to_statements_hears_of_rows_that_are_inserted() -> None:
    moment = clock.now()
    row = {"script_id": make_script("result = 1\n").pk, "trigger": "event", "status": "succeeded", "role": "primary"}
    row |= {"started_at": moment, "finished_at": moment}
    heard: list[str] = []

    def listen(execute: Any, sql: str, *others: Any) -> Any:
        heard.append(sql)
        return execute(sql, *others)

    with connection.execute_wrapper(listen):
        insert_rows(Execution, [row])
    with CaptureQueriesContext(connection) as logged:
        insert_rows(Execution, [row])
    insert_rows(Execution, [row])
    told = [*heard, *(query["sql"] for query in logged.captured_queries)]
    assert len(told) == 2
    assert all('INSERT INTO "scripting_execution"' in sql for sql in told)
    assert Execution.objects.count() == 3


@pytest.mark.django_db
def test_nothing_is_inserted_in_a_transaction_that_is_broken() -> None:
    moment = clock.now()
    row = {"script_id": make_script("result = 1\n").pk, "trigger": "event", "status": "succeeded", "role": "primary"}
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            insert_rows(Execution, [row | {"started_at": moment, "finished_at": moment}])


@pytest.mark.django_db
def test_rows_that_are_empty_alike_are_stored_like_those_that_are_not() -> None:
    script = make_script("result = 1\n")
    moment = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    row = {"script_id": script.pk, "trigger": "manual", "status": "failed", "started_at": moment, "finished_at": moment}
    nothing = {"event_id": None, "user": "", "inputs": b"", "result": None, "wall_us": 0, "log_truncated": False}
    insert_rows(Execution, [row | nothing, row | nothing])
    insert_rows(Execution, [row | nothing | {"wall_us": 7}])
    insert_rows(Execution, [row | nothing | {"wall_us": 8, "inputs": bytes(range(256)) * (COPIED_BYTES // 256)}])
    fields = (*nothing, "error_type", "log")
    stored = [
        [bytes(value) if isinstance(value, memoryview) else value for value in each]
        for each in Execution.objects.order_by("wall_us").values_list(*fields)
    ]
    expected = [None, "", b"", None, 0, False, "", b""]
    large = [None, "", bytes(range(256)) * (COPIED_BYTES // 256), None, 8, False, "", b""]
    assert stored == [expected, expected, [*expected[:4], 7, *expected[5:]], large]
    assert all(
        type(mine) is type(theirs) for each in stored for mine, theirs in zip(each[4:6], (7, False), strict=True)
    )


@pytest.mark.django_db
@pytest.mark.parametrize("together", [True, False])
def test_json_that_is_empty_is_stored_as_json(together: bool) -> None:
    script = make_script("result = 1\n")
    found: list[Any] = ["", 0, False, [], {}, "a"]
    common: dict[str, Any] = {"script_id": script.pk, "language": "python", "content": b"x", "source": "x"}
    common |= {"origin": "file", "created_at": datetime.now(UTC)}
    rows = [
        common | {"number": number, "sha256": f"{number:064}", "accepted": True, "diagnostics": value}
        for number, value in enumerate(found, 100)
    ]
    for some in [rows] if together else [[row] for row in rows]:
        insert_rows(ScriptVersion, some)
    stored = ScriptVersion.objects.filter(number__gte=100).order_by("number").values_list("diagnostics", flat=True)
    assert list(map(repr, stored)) == list(map(repr, found))


@pytest.mark.django_db
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("rows", [1, 5])
def test_a_number_that_json_has_not_is_refused_and_never_stored_as_nothing(value: float, rows: int) -> None:
    script = make_script("result = 1\n")
    held: Any = [{"before": None, "after": value, "text": "null"}]
    common: dict[str, Any] = {"language": "python", "content": b"x", "source": "x", "origin": "file", "accepted": True}
    common |= {"script_id": script.pk, "created_at": datetime.now(UTC), "diagnostics": held}
    with pytest.raises(DatabaseError), transaction.atomic():
        ScriptVersion.objects.create(**common, number=99, sha256="9" * 64)
    with pytest.raises(ValueError, match="JSON compliant"), transaction.atomic():
        insert_rows(ScriptVersion, [common | {"number": 100 + n, "sha256": f"{n:064}"} for n in range(rows)])
    with pytest.raises(ValueError, match="JSON compliant"), transaction.atomic():
        update_rows(ScriptVersion, [{"id": script.active_version_id, "diagnostics": held}])
    held[0]["after"] = "\x7f\xf0 null"
    insert_rows(ScriptVersion, [common | {"number": 100, "sha256": "0" * 64}])
    assert ScriptVersion.objects.get(number=100).diagnostics == held


@pytest.mark.parametrize("status", OUTCOMES)
@pytest.mark.parametrize("waited", [None, timedelta(milliseconds=70), timedelta(seconds=-3)])
def test_an_execution_alone_in_its_commit_adds_to_the_figures_what_it_would_add_among_others(
    status: str, waited: timedelta | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 3, 1, 12, 30, 5, 250, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    for wall_us in (0, 1, 731):
        for message in ("", superseded_by("e2"), "division by zero"):
            row = {"script_id": 1, "version_id": 7, "status": status, "finished_at": now, "error_message": message}
            row |= {"wall_us": wall_us, "cpu_us": wall_us // 2, "queued_at": waited and now - waited}
            alone = rollups.deltas_of([row])
            among = rollups.deltas_of([row, row | {"script_id": 2}])
            assert alone == among[:1]
            assert list(alone[0]) == list(among[0])


@pytest.mark.django_db
def test_events_are_looked_up_by_index_in_a_table_of_which_nothing_is_known() -> None:
    script, moment = make_script("result = 1\n"), datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    row = {"script_id": script.pk, "trigger": "event", "status": "failed", "started_at": moment, "finished_at": moment}
    insert_rows(Execution, [row | {"event_id": f"e{number}", "inputs": b"." * 1000} for number in range(300)])
    lookup = Lookup(lambda: Execution.objects.order_by().values_list("event_id", "script_id"), "event_id")
    plan = ""

    def explain(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        nonlocal plan
        with connection.cursor() as cursor:
            cursor.cursor.execute(f"EXPLAIN {'QUERY PLAN ' * (connection.vendor == 'sqlite')}{sql}", params)
            plan = str(cursor.fetchall())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        found = lookup.rows("default", {f"e{number}" for number in range(280, 340)})
    assert sorted(found) == [(f"e{number}", script.pk) for number in range(280, 300)]
    assert "execution_once_per_event" in plan


class Unit(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(description="What it is called.")]
    place: list[int]


class Board(msgspec.Struct):
    units: list[Unit]
    leader: Unit | None = None


class Tree(msgspec.Struct):
    below: list[Tree]


class Loose(msgspec.Struct):
    anything: Any


class Numbered(msgspec.Struct):
    by_number: dict[int, str]


@pytest.mark.parametrize(("schema", "depth"), [(Board, 4), (Tree, None), (Loose, None), (Numbered, None)])
def test_a_schema_says_how_deep_its_payloads_are(schema: type[msgspec.Struct], depth: int | None) -> None:
    assert Topic("any", schema, "").depth == depth
