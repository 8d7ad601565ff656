"""Sealing: receipts are made of rows that are still what was committed, once, and before anything of these is taken."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from scripting import clock
from scripting.execution import links, receipts
from scripting.metrics.retention import prune
from scripting.models import Attempt, Execution, ReceiptLink
from scripting.models.receipts import UNSEALED
from scripting.receipts import roots, sealing
from scripting.receipts.sealing import seal
from scripting.receipts.stored import look_up, receipt_of, rows_of
from scripting.receipts.verify import verify
from tests.receipts.recorded import Rolls
from tests.receipts.test_roots import DAY, root_on


@pytest.fixture(autouse=True)
def _settings(settings: Any, tmp_path: Any) -> None:
    settings.SCRIPTING_RECEIPTS_DIR = tmp_path / "roots"
    settings.SCRIPTING_KEEP_RECEIPT_DAYS = 36500
    settings.SCRIPTING_KEEP_RESERVOIR = 0


def found() -> list[str]:
    return [str(finding) for finding in verify().findings]


def test_a_digest_covers_every_column() -> None:
    every = {field.attname for field in Execution._meta.local_concrete_fields}
    assert set(links.COLUMNS) == every, "append a new column to COLUMNS, in scripting/execution/links.py"
    of_attempts = {field.attname for field in Attempt._meta.local_concrete_fields} - {"id", "execution_id"}
    assert set(links.OF_ATTEMPTS) == of_attempts, "append a new column to OF_ATTEMPTS"


def test_a_column_added_since_must_say_no_more_than_its_default(rolls: Rolls) -> None:
    [execution] = rolls(1)
    row, tries = rows_of([execution.pk])[execution.pk]
    before = bytes((1, links.COLUMNS.index("log_truncated"), len(links.OF_ATTEMPTS)))
    older = {name: value for name, value in row.items() if name != "log_truncated"}
    assert links.entries([(row, tries)], before) == links.entries([(older, tries)], before)
    assert links.entries([({**row, "log_truncated": True}, tries)], before) != links.entries([(row, tries)], before)


def test_a_receipt_that_is_made_later_is_the_one_that_the_commit_would_have_made(rolls: Rolls) -> None:
    made = rolls(3, 1)
    sooner = [receipt_of(execution.pk) for execution in made]
    assert seal(clock.now()) == 2
    for execution, before in zip(made, sooner, strict=True):
        after = receipt_of(execution.pk)
        assert before is not None
        assert after is not None
        assert (before.packed, before.place) == (after.packed, after.place)
    assert not found()


def test_two_that_seal_a_link_at_once_and_one_that_stops_in_the_middle_leave_the_same(rolls: Rolls) -> None:
    rolls(2, 1)
    seen = list(ReceiptLink.objects.order_by("pk"))
    with transaction.atomic():
        assert sealing._seal(seen) == 2
        transaction.set_rollback(True)  # its process ended before the commit
    assert ReceiptLink.objects.filter(root_day=UNSEALED).count() == 2
    assert sealing._seal(seen[:1]) == 1
    first = bytes(ReceiptLink.objects.get(pk=seen[0].pk).receipts)
    assert sealing._seal(seen) == 1, "the other one alone"
    assert bytes(ReceiptLink.objects.get(pk=seen[0].pk).receipts) == first
    assert seal(clock.now()) == 0
    assert not found()


def test_a_row_altered_before_gets_no_receipt_and_holds_up_neither_root_nor_retention(
    rolls: Rolls, settings: Any
) -> None:
    one, two, three = rolls(3)
    altered = [f"execution {each.pk}" for each in (two, three)]
    Execution.objects.filter(pk=two.pk).update(worker="another")
    Execution.objects.filter(pk=three.pk).delete()
    root = root_on(DAY)
    assert root.receipts == 1
    assert [text.partition(":")[0] for text in found()] == altered
    assert receipt_of(one.pk) is not None
    assert receipt_of(two.pk) is None
    assert look_up(two.pk) is not None, "its digest stays"
    Execution.objects.filter(pk=two.pk).update(worker=two.worker)
    assert any("now it is as committed" in text for text in found())
    settings.SCRIPTING_KEEP_DAYS = settings.SCRIPTING_KEEP_PAYLOAD_DAYS = 0
    done = prune(60, now=clock.now() + timedelta(seconds=1))
    assert (done.unsealed, done.deleted) == (False, 2)
    assert [text.partition(":")[0] for text in found()] == altered


def test_a_link_that_was_altered_itself_gives_no_receipts_and_stays_named(rolls: Rolls) -> None:
    one, two = rolls(1, 1)
    link = ReceiptLink.objects.get(number=1)
    Execution.objects.filter(pk=one.pk).update(worker="another")
    fits = links.HEAD + b"".join(links.entries(list(rows_of([one.pk]).values())))
    ReceiptLink.objects.filter(pk=link.pk).update(digests=fits)
    assert (seal(clock.now()), receipt_of(one.pk)) == (2, None)
    assert receipt_of(two.pk) is not None
    assert any(text.startswith(f"execution {one.pk}") for text in found())


@pytest.mark.parametrize("altered", ["cause = 'none at all'", "worker = CAST(x'ff' AS TEXT)"])
def test_a_row_that_cannot_be_read_holds_up_nothing(rolls: Rolls, altered: str) -> None:
    one, two = rolls(2)
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL stores no text in such a column")
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE scripting_execution SET {altered} WHERE id = %s", [one.pk.hex])
    assert seal(clock.now()) == 1
    assert receipt_of(two.pk) is not None
    assert [text.partition(":")[0] for text in found()] == [f"execution {one.pk}"]


def test_the_retention_takes_nothing_whose_receipt_is_still_to_be_made(rolls: Rolls, settings: Any) -> None:
    rolls(2, 1)
    settings.SCRIPTING_KEEP_DAYS = settings.SCRIPTING_KEEP_PAYLOAD_DAYS = 0
    done = prune(60, now=clock.now() + timedelta(seconds=1))
    assert (done.unsealed, done.emptied, done.deleted) == (True, 0, 0)
    call_command("prune_executions", "--clock-is-right", verbosity=0)
    assert not Execution.objects.exists()
    assert ReceiptLink.objects.exclude(seal=None).count() == 2
    assert not found()


def test_a_chain_goes_on_from_links_of_the_release_before(rolls: Rolls) -> None:
    made = rolls(2)
    link = ReceiptLink.objects.get()
    link.receipts = b"".join(receipts.pack([rows_of([each.pk])[each.pk] for each in made], bytes(link.salt)))
    link.digests = link.rows_digest = link.root_day = None
    link.digest = links.digest_of(link)
    link.save()
    links._free[link.module, False] = [links._Chain(link.chain, link.number, bytes(link.digest))]
    rolls(1)
    assert [each.chain for each in ReceiptLink.objects.all()] == [link.chain] * 2
    assert not found()
    assert root_on(DAY).receipts == 3
    assert not found()
    assert roots.make_roots(DAY) == []
    for each in made:
        assert receipt_of(each.pk) is not None
    Execution.objects.filter(pk=made[0].pk).update(user="eve")
    assert [text.partition(":")[0] for text in found()] == [f"execution {made[0].pk}"]
