"""Daily roots and bundles: fixed once published, and checked by a file that needs nothing of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from scripting import clock
from scripting.execution import links, receipts
from scripting.metrics.retention import prune
from scripting.models import Activation, Execution, ReceiptLink, ReceiptRoot, ScriptVersion
from scripting.modules.masking import masks_of
from scripting.receipts import offline, roots
from scripting.receipts.bundle import announced_for, bundle_of
from scripting.receipts.stored import receipt_of
from scripting.receipts.verify import verify
from scripting.texts.escaping import display
from tests.receipts.recorded import Rolls
from tests.support.game import Game

DAY = date(2026, 3, 1)


@pytest.fixture(autouse=True)
def _file(settings: Any, tmp_path: Path) -> None:
    settings.SCRIPTING_RECEIPTS_DIR = tmp_path / "roots"
    settings.SCRIPTING_KEEP_RECEIPT_DAYS = 36500


def root_on(day: date) -> ReceiptRoot:
    """As if all that no root holds had been recorded on that day."""
    for link in roots.waiting_links().order_by("chain", "number"):
        link.made_at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        before = ReceiptLink.objects.filter(chain=link.chain, number=link.number - 1).first()
        link.previous = bytes(before.digest) if before else receipts.NONE
        link.digest = links.digest_of(link)
        link.save()
    links._free.clear()  # they went on from other digests
    late = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    Activation.objects.filter(created_at__gt=late).update(created_at=late)
    [root] = roots.make_roots(day)
    roots.publish()
    return root


def test_the_offline_verifier_reads_what_the_ledger_writes() -> None:
    assert (offline.LAYOUT.format, offline.SIZE, offline.CUT) == (receipts.LAYOUT.format, receipts.SIZE, receipts.CUT)
    assert (offline.STATUSES, offline.TRIGGERS, offline.ROLES) == (
        receipts.STATUSES,
        receipts.TRIGGERS,
        receipts.ROLES,
    )
    assert receipts.Receipt._fields == offline.NAMES


def test_a_path_leads_from_every_leaf_to_the_top() -> None:
    for size in range(1, 20):
        leaves = [offline.leaf("receipt", bytes([n])) for n in range(size)]
        top = offline.tree_of(leaves)
        for place, start in enumerate(leaves):
            assert offline.top_of(start, offline.path_of(leaves, place)) == top
        assert offline.tree_of(leaves[::-1]) != top or size == 1


@pytest.mark.slow
def test_a_root_is_fixed_and_late_receipts_go_to_the_next_days(rolls: Rolls) -> None:
    rolls(2, 1)
    first = root_on(DAY)
    assert (first.receipts, first.links, first.activations) == (3, 2, 1)
    rolls(1)
    assert roots.make_roots(DAY) == []
    second = root_on(DAY + timedelta(days=1))
    assert (second.receipts, bytes(second.previous)) == (1, bytes(first.digest))
    assert [line["root"] for line in roots.published().values()] == [bytes(r.digest).hex() for r in (first, second)]
    assert verify().holds, verify().findings


def test_an_altered_root_is_named(rolls: Rolls) -> None:
    rolls(2)
    root = root_on(DAY)
    [live] = Activation.objects.all()
    Activation.objects.create(pk=live.pk + 1, script=live.script, version=live.version, cause=live.cause)
    for column in ("tree", "previous", "digest", "receipts", "activations_upto"):
        before = getattr(root, column)
        ReceiptRoot.objects.update(**{column: before + 1 if isinstance(before, int) else b"x" * 32})
        assert str(root) in {finding.where for finding in verify().findings}, column
        ReceiptRoot.objects.update(**{column: before})


def test_rewriting_a_whole_chain_after_its_root_was_published_is_found(rolls: Rolls) -> None:
    """With the database alone, everything can be made to fit, but for the root that somebody else has."""
    rolls(1)
    root = root_on(DAY)
    ReceiptRoot.objects.all().delete()
    ReceiptLink.objects.update(root_day=None, salt=b"another salt    ")
    assert [f"root of chess_club on {DAY}"] == [f.where for f in verify().findings if f.where.startswith("root")]
    assert root.day == DAY


def test_an_altered_activation_is_found(rolls: Rolls) -> None:
    rolls(1)
    root = root_on(DAY)
    Activation.objects.update(cause="rollback")
    assert str(root) in [finding.where for finding in verify().findings]


def exported(execution: Execution, **options: Any) -> dict[str, Any]:
    found = receipt_of(execution.pk)
    assert found is not None
    return dict(json.loads(json.dumps(bundle_of(found, **{"outside": False, **options}))))


def test_one_file_without_django_checks_an_exported_bundle(rolls: Rolls, tmp_path: Path) -> None:
    execution = rolls(3, 2)[1]
    root = root_on(DAY)
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(exported(execution)), encoding="utf-8")
    command = [sys.executable, "-I", "-S", offline.__file__, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"holds        root: the receipt is in the root {bytes(root.digest).hex()} of chess_club" in done.stdout
    assert "chess_club/dice v1 went live" in done.stdout
    withheld = [line for line in done.stdout.splitlines() if line.startswith("not checked")]
    assert withheld == ["not checked  inputs: withheld: it holds what the site calls sensitive"]


def test_whatever_is_altered_in_a_bundle_fails(rolls: Rolls) -> None:
    execution = rolls(2)[0]
    root_on(DAY)
    bundle = exported(execution)
    assert not [words for verdict, words in offline.check(bundle) if verdict == offline.FAILS]
    for name in ("receipt", "record", "shown", "origin", "outcome", "calls", "texts", "root", "announced"):
        text = json.dumps(bundle[name])
        for old, new in (("1", "2"), ("a", "b"), ("e", "f")):
            altered = bundle | {name: json.loads(text.replace(old, new, 1))} if old in text else bundle
            fails = [words for verdict, words in offline.check(altered) if verdict == offline.FAILS]
            assert altered == bundle or fails, (name, old)


def test_a_bundle_for_outside_tells_nothing_sensitive_and_still_verifies(rolls: Rolls) -> None:
    execution = rolls(1, secret="opensesame")[0]
    root_on(DAY)
    bundle = exported(execution, outside=True, texts=False)
    assert "opensesame" not in json.dumps(bundle)
    assert "ada" not in json.loads(bundle["record"]).values()
    verdicts = {words.split(":")[0]: verdict for verdict, words in offline.check(bundle)}
    assert offline.FAILS not in verdicts.values()
    held = {name for name, verdict in verdicts.items() if verdict == offline.HOLDS} - {"receipt of execution"}
    assert {"record", "shown", "outcome", "root", "announced"} <= held
    assert {name for name, verdict in verdicts.items() if verdict == offline.WITHHELD} == {
        "origin",
        "inputs",
        "calls",
        "texts",
    }


def test_the_text_that_an_earlier_release_showed_is_told_too_and_no_other(rolls: Rolls) -> None:
    execution = rolls(1)[0]
    root_on(DAY)
    assert "message_payload" not in exported(execution)["shown"]["inputs"]
    mask, _ = masks_of(execution)
    for text, told in ((display(mask.value(execution.inputs_value)), True), ("something else", False)):
        Execution.objects.update(inputs_text=text)
        assert (exported(execution).get("shown", {}).get("inputs") == text) is told


def test_of_a_deleted_execution_the_receipt_still_says_what_decided(rolls: Rolls) -> None:
    execution = rolls(1)[0]
    root_on(DAY)
    key = execution.pk
    execution.delete()
    found = receipt_of(key)
    assert found is not None
    version = ScriptVersion.objects.get()
    assert (found.receipt.version, found.status, found.role) == (version.pk, "succeeded", "primary")
    bundle = json.loads(json.dumps(bundle_of(found, outside=False)))
    verdicts = offline.check(bundle)
    assert not [words for verdict, words in verdicts if verdict == offline.FAILS]
    assert announced_for(found).words == "v1 decided, and it was the announced one"


def test_the_command_prints_the_roots_of_a_day(rolls: Rolls) -> None:
    rolls(1)
    root = root_on(DAY)
    out = StringIO()
    call_command("receipt_root", "--day", DAY.isoformat(), stdout=out)
    assert out.getvalue().split() == ["chess_club", "2026-03-01", bytes(root.digest).hex(), "1", "receipts"]
    with pytest.raises(CommandError, match="it is not over"):
        call_command("receipt_root", "--day", datetime.now(UTC).date().isoformat(), stdout=out)


def test_what_the_retention_took_of_a_chain_is_not_called_removed(rolls: Rolls, settings: Any) -> None:
    """Links of other chains that are older than the next one of that chain are still there."""
    today = clock.now().date()
    days = [today - timedelta(days=ago) for ago in (9, 4, 3)]
    rolls(1)
    root_on(days[0])
    first = ReceiptLink.objects.get()
    rolls(1)
    root_on(days[1])  # of another chain
    links._free[Game.name, False] = [links._Chain(first.chain, first.number, bytes(first.digest))]
    rolls(1)
    root_on(days[2])
    assert verify().holds
    settings.SCRIPTING_KEEP_RECEIPT_DAYS = 6
    assert prune(60).receipts == 1
    report = verify()
    assert [str(finding) for finding in report.findings] == []
    ReceiptLink.objects.get(root_day=days[1]).delete()
    assert [finding.where for finding in verify().findings] == [str(ReceiptRoot.objects.get(day=days[1]))]


def test_a_line_that_a_full_disk_tore_takes_no_later_root_with_it(db: None, tmp_path: Path) -> None:
    for day in (1, 2):
        ReceiptRoot.objects.create(
            module="wargame", day=date(2026, 3, day), receipts=1, links=1, activations=0, activations_upto=0,
            tree=b"t" * 32, previous=b"p" * 32, digest=bytes([day]) * 32, made_at=clock.now(),
        )  # fmt: skip
    assert roots.publish() == 2
    whole = roots.root_file().read_text()
    roots.root_file().write_text(whole[:-100])
    assert roots.publish() == 1
    assert list(roots.published()) == [("wargame", "2026-03-01"), ("wargame", "2026-03-02")]
    assert roots.publish() == 0
