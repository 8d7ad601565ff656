"""Many rows are changed at once, each in its own way, and hold what they would if each was saved alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from scripting.models import ExecutionStat, ScriptVersion
from scripting.storage.bulk_update import delete_rows, update_rows
from tests.support.arena import make_script

pytestmark = pytest.mark.django_db

TEXTS = ("plain", 'a "quoted\\ {text}, %s', "", "ünicode\nlines", "NULL")


def versions(count: int) -> list[int]:
    """The primary keys of new versions of a script, in order."""
    script = make_script("result = 1\n")
    values: dict[str, Any] = {"script": script, "language": "python", "content": b"x", "source": "x", "accepted": True}
    return [
        ScriptVersion.objects.create(number=number, sha256=str(number), **values).pk for number in range(50, 50 + count)
    ]


def test_each_row_takes_its_own_values_of_every_type() -> None:
    script = make_script("result = 1\n")
    moment = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    stats = [
        ExecutionStat.objects.create(script=script, start=moment + timedelta(minutes=n), span="minute")
        for n in range(5)
    ]
    rows: list[dict[str, Any]] = [
        {
            "id": stat.pk,
            "version_id": script.active_version_id if number % 2 else None,
            "start": moment + timedelta(days=number, microseconds=number),
            "wall_us": (1 << 62) - number,
            "durations": bytes(range(256))[number * 40 :],
            "waits": b"",
        }
        for number, stat in enumerate(stats)
    ]
    update_rows(ExecutionStat, rows)
    stored = ExecutionStat.objects.order_by("id").values(*rows[0])
    assert [each | {name: bytes(each[name]) for name in ("durations", "waits")} for each in stored] == rows


@pytest.mark.parametrize("count", [1, len(TEXTS)])
def test_texts_and_json_arrive_as_they_are(count: int) -> None:
    rows = [
        {"id": pk, "message": text, "diagnostics": [{"text": text, "line": None}, []]}
        for pk, text in zip(versions(count), TEXTS, strict=False)
    ]
    update_rows(ScriptVersion, rows)
    assert list(ScriptVersion.objects.filter(number__gte=50).order_by("id").values(*rows[0])) == rows


def test_many_rows_are_one_statement_and_all_or_nothing() -> None:
    numbers = versions(3)
    with CaptureQueriesContext(connection) as asked:
        update_rows(ScriptVersion, [{"id": pk, "message": f"of {pk}"} for pk in numbers])
    assert len(asked) == 1
    assert not (connection.vendor == "postgresql" and asked[0]["sql"].startswith("3 times"))
    with pytest.raises(IntegrityError), transaction.atomic():
        update_rows(ScriptVersion, [{"id": pk, "message": "no", "number": 99} for pk in numbers])
    assert list(ScriptVersion.objects.filter(pk__in=numbers).order_by("pk").values_list("message", flat=True)) == [
        f"of {pk}" for pk in numbers
    ]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's columns have no length")
@pytest.mark.parametrize("count", [1, 2])
def test_a_text_that_is_too_long_for_its_column_is_refused(count: int) -> None:
    numbers = versions(count)
    with pytest.raises(DataError), transaction.atomic():
        update_rows(ScriptVersion, [{"id": pk, "language": "x" * 100} for pk in numbers])


@pytest.mark.parametrize("chosen", [[0], [0, 1, 2], [1, 3], [3, 2, 1], [2, 2]])
def test_the_rows_of_these_keys_are_deleted_and_counted_and_no_other(chosen: list[int]) -> None:
    numbers = versions(5)
    keys = [numbers[place] for place in chosen]
    assert delete_rows(ScriptVersion, [*keys, numbers[-1] + 1000]) == len(set(keys))
    left = ScriptVersion.objects.filter(number__gte=50).order_by("pk").values_list("pk", flat=True)
    assert list(left) == [number for number in numbers if number not in keys]


def test_keys_in_a_row_are_deleted_by_a_statement_that_is_as_short_for_many_as_for_two() -> None:
    script, lengths = make_script("result = 1\n"), []
    for count in (2, 40):
        start = datetime(2026, 3, 1, tzinfo=UTC)
        stats = ExecutionStat.objects.bulk_create(
            [ExecutionStat(script=script, start=start + timedelta(minutes=n), span="minute") for n in range(count)]
        )
        with CaptureQueriesContext(connection) as asked:
            assert delete_rows(ExecutionStat, [stat.pk for stat in stats]) == count
        lengths.append(len(asked[0]["sql"]))
    assert lengths[1] - lengths[0] < 10
