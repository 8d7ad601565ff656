"""The commit of one request keeps its figures and its link in one row, until both are filed: nothing is lost, counted twice or looks removed."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction

from scripting import clock
from scripting.engine import get_engine
from scripting.execution import links
from scripting.metrics import folding, rollups
from scripting.metrics.histogram import Histogram
from scripting.metrics.retention import prune
from scripting.models import Execution, LoneCommit, ReceiptLink, StatDelta
from scripting.receipts.sealing import seal
from scripting.receipts.stored import look_up, receipt_of
from scripting.receipts.verify import verify, verify_execution
from scripting.types import ExecutionRequest, ScriptInput
from tests.receipts.recorded import Rolls
from tests.support.game import Game

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ask(rolls: Rolls) -> Any:
    """`ask(3)`: three requests, each committed alone; their executions, oldest first."""

    def ask(count: int = 1) -> list[Execution]:
        request = ExecutionRequest(Game.name, "dice", ScriptInput({"message": {"payload": {"sides": 6}}}))
        outputs = [get_engine().execute(request) for _ in range(count)]
        return list(Execution.objects.filter(pk__in=[output.execution_id for output in outputs]).order_by("pk"))

    return ask


def ran() -> int:
    return sum(row.succeeded for row in rollups.ever())


def test_figures_and_receipt_of_a_request_are_there_at_once_and_the_same_once_they_are_filed(ask: Any) -> None:
    made = ask(3)
    seen = []
    for waiting, filed in ((3, 0), (0, 3)):
        assert (LoneCommit.objects.count(), ReceiptLink.objects.count()) == (waiting, filed)
        assert not StatDelta.objects.exists()
        found = [receipt_of(execution.pk) for execution in made]
        assert all(found)
        now = clock.now()
        recent = rollups.rows(now - timedelta(minutes=5), now + timedelta(minutes=5))
        seen.append(
            (ran(), sum(row.succeeded for row in recent), [(each.packed, each.link.number) for each in found if each])
        )
        folding.fold()
    assert seen[0] == seen[1]
    assert seen[0][:2] == (3, 3)


def test_all_figures_of_requests_are_the_same_before_and_after_they_are_folded(ask: Any) -> None:
    ask(2)
    request = ExecutionRequest(Game.name, "dice", ScriptInput({"message": {"payload": {"sides": "six"}}}))
    assert get_engine().execute(request).error
    assert get_engine().refuse(request, "no such die").refused
    took = [execution.wall_us for execution in Execution.objects.exclude(status="skipped")]
    seen = []
    for _ in range(2):
        figures = rollups.Figures()
        for row in rollups.ever():
            figures.add_row(row)
        seen.append(figures)
        folding.fold()
    assert seen[0] == seen[1]
    assert {name: count for name, count in seen[0].counts.items() if count} == {
        "succeeded": 2,
        "failed": 1,
        "skipped": 1,
    }
    assert (seen[0].wall_us, seen[0].durations) == (sum(took), Histogram.of(took))


def test_chains_of_requests_and_of_events_hold_beside_each_other(ask: Any, rolls: Rolls) -> None:
    rolls(2), ask(2), rolls(1), ask(1), rolls(3)
    [one, *_] = made = ask(2)
    for _ in range(2):
        report = verify()
        assert report.holds, report.findings
        assert report.looked["executions"] == 11
        assert verify_execution(one.pk).holds
        assert verify_execution(made[-1].pk).holds
        seal(clock.now())
    assert {
        link.number for link in ReceiptLink.objects.filter(chain=ReceiptLink.objects.get(first=one.pk).chain)
    } == set(range(1, 6))


def test_two_that_file_the_same_file_it_once_also_where_numbers_come_again(ask: Any) -> None:
    ask(3)

    def meanwhile() -> None:
        assert folding.fold() == 3
        ask(3)

    assert folding.fold(meanwhile) is None
    assert LoneCommit.objects.count() == 3
    folding.fold_all()
    assert (ran(), ReceiptLink.objects.count()) == (6, 6)
    assert verify().holds


def test_who_looks_at_receipts_waits_for_a_process_that_is_just_filing_them(ask: Any) -> None:
    ask(1)
    folding.fold()
    made, took = ask(2), threading.Event()

    def file_slowly() -> None:
        with transaction.atomic():
            folding.fold()
            took.set()
            time.sleep(0.3)
        connection.close()

    other = threading.Thread(target=file_slowly)
    other.start()
    took.wait(5)
    report = verify_execution(made[-1].pk)
    other.join()
    assert report.holds, report.findings
    assert (ran(), ReceiptLink.objects.count()) == (3, 3)


def test_a_commit_that_ends_after_a_later_one_keeps_nobody_from_filing_what_was_seen(ask: Any) -> None:
    ask(2)
    [slow, _] = LoneCommit.objects.all()
    LoneCommit.objects.filter(pk=slow.pk).delete()
    assert folding.fold(await_gap=lambda: slow.save(force_insert=True)) == 1
    assert (LoneCommit.objects.count(), ReceiptLink.objects.count()) == (1, 1)
    folding.fold_all()
    assert (ran(), ReceiptLink.objects.count()) == (2, 2)
    assert verify().holds


@pytest.mark.parametrize("change", [{"worker": "another"}, {"error_line": 3}, None])
def test_what_is_done_to_an_execution_whose_link_is_not_filed_is_found(ask: Any, change: dict[str, Any] | None) -> None:
    one = ask(3)[1]
    rows = Execution.objects.filter(pk=one.pk)
    if change is None:
        rows.delete()
    else:
        rows.update(**change)
    assert look_up(one.pk) is not None
    assert receipt_of(one.pk) is None
    [finding] = verify().findings
    assert finding.where == f"execution {one.pk}"
    assert ("removed" if change is None else "altered") in str(finding)


def test_a_link_that_is_removed_before_it_is_filed_is_missed(ask: Any) -> None:
    two = ask(3)[1]
    LoneCommit.objects.filter(execution=two.pk).delete()
    assert {str(finding.where) for finding in verify().findings} >= {f"execution {two.pk}"}
    assert any("nothing stands between" in str(finding) for finding in verify().findings)


def test_a_link_in_whose_place_another_was_put_keeps_up_neither_figures_nor_the_others(
    ask: Any, caplog: pytest.LogCaptureFixture
) -> None:
    made = ask(2)
    folding.fold()
    made += ask(2)
    link = ReceiptLink.objects.get(first=made[1].pk)
    link.pk, link.number = None, 3
    link.save()
    with caplog.at_level(logging.ERROR):
        folding.fold()
    assert f"receipt of execution {made[2].pk}" in caplog.text
    assert (ran(), LoneCommit.objects.count(), ReceiptLink.objects.count()) == (4, 0, 4)
    assert not verify().holds


def test_the_retention_leaves_executions_whose_link_is_not_filed(ask: Any, settings: Any) -> None:
    settings.SCRIPTING_KEEP_RESERVOIR = 0
    ask(2)
    later = clock.now() + timedelta(days=4000)
    assert prune(60, now=later).unsealed
    assert Execution.objects.count() == 2
    seal(later)
    assert LoneCommit.objects.count() == 0
    assert not prune(60, now=later).unsealed


def test_a_site_that_wants_no_receipts_has_deltas(ask: Any, settings: Any) -> None:
    settings.SCRIPTING_RECEIPTS = False
    ask(2)
    assert (StatDelta.objects.count(), LoneCommit.objects.count()) == (2, 0)


def test_who_goes_back_a_release_finds_all_of_it_filed(ask: Any) -> None:
    made = ask(3)
    migration = import_module("scripting.migrations.0042_lone_commits")
    migration.file_all(apps, SimpleNamespace(connection=connection))
    assert (LoneCommit.objects.count(), ReceiptLink.objects.count(), StatDelta.objects.count()) == (0, 3, 3)
    assert ran() == 3
    links._free.clear()
    assert verify().holds
    assert all(receipt_of(execution.pk) for execution in made)
