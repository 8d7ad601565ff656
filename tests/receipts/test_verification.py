"""All that is altered, removed, exchanged or inserted behind our back is found and named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import models, transaction

from scripting import clock
from scripting.execution import links
from scripting.execution.receipts import FORMAT, ROLES, SIZE, STATUSES, TRIGGERS
from scripting.models import Execution, KnobSet, ReceiptLink, Role, Script, ScriptVersion, uuid7
from scripting.receipts.findings import Report
from scripting.receipts.rows import Rows
from scripting.receipts.sealing import seal
from scripting.receipts.verify import verify, verify_execution
from scripting.registry import knobs
from scripting.registry.active import registry
from scripting.registry.bundles import values_digest
from scripting.sources.sync import sync
from tests.receipts.recorded import Rolls
from tests.support.arena import make_script
from tests.support.game import Game


def names(report: Report) -> list[str]:
    return [finding.where for finding in report.findings]


def test_every_execution_leaves_a_receipt_and_all_of_it_holds(rolls: Rolls) -> None:
    rolls(3, 2)
    for made in ("receipts to be made", "receipts"):
        report = verify()
        assert report.holds, report.findings
        assert report.looked[made] == report.looked["executions"] == 5
        assert [link.number for link in ReceiptLink.objects.order_by("number")] == [1, 2]
        seal(clock.now())


def test_a_receipt_is_no_longer_than_200_bytes_and_knows_every_outcome() -> None:
    assert SIZE <= 200
    assert FORMAT == 1
    assert set(STATUSES[1:]) == set(Execution.Status.values)
    assert set(TRIGGERS[1:]) == set(Execution.Trigger.values)
    assert set(ROLES[1:]) == set(Role.values)


def _other(value: object, column: models.Field[object, object]) -> object:
    """The value with one bit or letter of it altered."""
    match value:
        case bytes() | memoryview():
            data = bytes(value)
            return bytes([data[0] ^ 1]) + data[1:] if data else b"x"
        case str():
            return ("x" if value[:1] != "x" else "y") + value[1:]
        case bool():
            return not value
        case int():
            return value + 1
        case datetime():
            return value + timedelta(microseconds=1)
        case None if isinstance(column, (models.IntegerField, models.BigIntegerField)):
            return 1
        case None if isinstance(column, models.UUIDField):
            return uuid7()
    return None


def test_a_byte_altered_in_any_column_of_an_execution_is_named(rolls: Rolls) -> None:
    execution = rolls(2)[0]
    for _ in ("before it is sealed", "after it"):
        link = ReceiptLink.objects.get()
        for column in Execution._meta.local_concrete_fields:
            if column.primary_key or column.is_relation:
                continue
            before = getattr(execution, column.attname)
            Execution.objects.filter(pk=execution.pk).update(**{column.attname: _other(before, column)})
            assert of_rows(link) == [f"execution {execution.pk}"], column.attname
            Execution.objects.filter(pk=execution.pk).update(**{column.attname: before})
        with transaction.atomic():
            Execution.objects.filter(pk=execution.pk).update(version=None)
            assert names(verify()) == [f"execution {execution.pk}"]
            transaction.set_rollback(True)
        seal(clock.now())


def of_rows(link: ReceiptLink) -> list[str]:
    report = Report()
    Rows(report).look([link])
    return names(report)


def test_a_byte_altered_in_any_column_of_a_link_is_named(rolls: Rolls) -> None:
    rolls(2, 2)
    for _ in ("before it is sealed", "after it"):
        link = ReceiptLink.objects.get(number=1)
        for field in ReceiptLink._meta.local_concrete_fields:
            name, before = field.name, getattr(link, field.name)
            if name in ("id", "chain", "number") or before is None or before == b"":
                continue
            changed = uuid7() if name in ("first", "last") else _other(before, field)
            ReceiptLink.objects.filter(pk=link.pk).update(**{name: changed})
            found = "".join(names(verify()))
            assert str(link) in found or str(link.chain) in found, name
            ReceiptLink.objects.filter(pk=link.pk).update(**{name: before})
        seal(clock.now())


def test_every_byte_of_a_receipt_counts(rolls: Rolls) -> None:
    rolls(3)
    seal(clock.now())
    link = ReceiptLink.objects.get()
    receipts = bytes(link.receipts)
    for place in (SIZE, SIZE + 1, SIZE + 60, 2 * SIZE - 1):
        altered = receipts[:place] + bytes([receipts[place] ^ 1]) + receipts[place + 1 :]
        ReceiptLink.objects.update(receipts=altered)
        assert f"receipt 2 of {link}" in names(verify())


def test_an_altered_text_is_named_even_if_its_digest_is_made_again(rolls: Rolls) -> None:
    rolls(1)
    version = Script.objects.get(name="dice").versions.get()
    content = bytes(version.content).replace(b"rolled", b"Rolled")
    ScriptVersion.objects.filter(pk=version.pk).update(content=content)
    assert f"version {version}" in names(verify())
    digest = ScriptVersion.digest_of(content)
    ScriptVersion.objects.filter(pk=version.pk).update(
        content=content, sha256=digest, source=ScriptVersion.shown(content)
    )
    assert [f"of {version}" in name for name in names(verify())] == [True]


def ship(game: Game, text: str) -> None:
    game.ship("dice", text)
    sync()
    registry.forget()


def test_an_altered_helper_is_named_with_the_script_that_it_decided_in(rolls: Rolls, game: Game) -> None:
    helper = make_script("def more(sides):\n    return sides + 1\n", "bonus", "shared")
    ship(game, "from shared.bonus import more\nresult = {'points': more(message['payload']['sides'])}\n")
    rolls(1)
    assert verify().holds
    content = bytes(helper.versions.get().content).replace(b"+ 1", b"+ 2")
    helper.versions.update(content=content, sha256=ScriptVersion.digest_of(content), source=content.decode())
    registry.forget()
    dice = Script.objects.get(name="dice").active_version
    assert [f"of {dice}" in name for name in names(verify())] == [True]


def test_altered_values_of_knobs_are_named_even_if_their_digest_is_made_again(rolls: Rolls, game: Game) -> None:
    ship(game, "BONUS = 1  # knob 0..9: more\nresult = {'points': message['payload']['sides'] + BONUS}\n")
    knobs.publish(Script.objects.get(name="dice"), {"BONUS": 5}, actor=None, reason="for a test")
    registry.forget()
    rolls(1)
    assert verify().holds
    values = KnobSet.objects.get()
    altered = values.content.replace("5", "6")
    KnobSet.objects.update(content=altered)
    registry.forget()
    assert str(values) in names(verify())
    KnobSet.objects.update(sha256=values_digest({"BONUS": 6}))
    registry.forget()
    dice = Script.objects.get(name="dice").active_version
    assert [f"of {dice}" in name for name in names(verify())] == [True]


def _remove_execution(made: list[Execution]) -> str:
    Execution.objects.filter(pk=made[1].pk).delete()
    return f"execution {made[1].pk}"


def _remove_link(made: list[Execution]) -> str:
    link = ReceiptLink.objects.get(number=2)
    link.delete()
    return f"link 2 of chain {link.chain}"


def _remove_last_link(made: list[Execution]) -> str:
    ReceiptLink.objects.get(number=3).delete()
    return f"execution {made[-1].pk}"


def _parts(link: ReceiptLink) -> tuple[str, bytes, list[bytes]]:
    """The column of what a link holds of its executions, what that begins with, and the parts."""
    if link.is_unsealed:
        head, entries = links.split(bytes(link.digests or b""))
        return "digests", head, entries
    receipts = bytes(link.receipts)
    return "receipts", b"", [receipts[start : start + SIZE] for start in range(0, len(receipts), SIZE)]


def _hold(number: int, change: Callable[[list[bytes]], list[bytes]]) -> ReceiptLink:
    link = ReceiptLink.objects.get(number=number)
    column, head, parts = _parts(link)
    ReceiptLink.objects.filter(pk=link.pk).update(**{column: head + b"".join(change(parts))})
    return link


def _remove_receipt(made: list[Execution]) -> str:
    _hold(1, lambda parts: parts[1:])
    return f"execution {made[0].pk}"


def _swap_receipts(made: list[Execution]) -> str:
    return str(_hold(1, lambda parts: parts[::-1]))


def _swap_links(made: list[Execution]) -> str:
    one, two = ReceiptLink.objects.filter(number__in=[1, 2]).order_by("number")
    ReceiptLink.objects.filter(pk=one.pk).update(number=9)
    ReceiptLink.objects.filter(pk=two.pk).update(number=1)
    ReceiptLink.objects.filter(pk=one.pk).update(number=2)
    return str(two)


def _swap_executions(made: list[Execution]) -> str:
    one, two = made[:2]
    for mine, other in ((one, two), (two, one)):
        Execution.objects.filter(pk=mine.pk).update(inputs=other.inputs, inputs_text=other.inputs_text)
    return f"execution {one.pk}"


def _insert_execution(made: list[Execution]) -> str:
    copy = Execution.objects.get(pk=made[0].pk)
    copy.pk, copy.event_id = uuid7(), "another"
    copy.save(force_insert=True)
    return f"execution {copy.pk}"


def _insert_receipt(made: list[Execution]) -> str:
    _hold(3, lambda parts: parts + parts)
    return f"execution {made[-1].pk}"


def _insert_link(made: list[Execution]) -> str:
    link = ReceiptLink.objects.get(number=3)
    link.pk, link.number = None, 4
    link.save(force_insert=True)
    return str(link)


TAMPERS = (
    _remove_execution,
    _remove_link,
    _remove_last_link,
    _remove_receipt,
    _swap_receipts,
    _swap_links,
    _swap_executions,
    _insert_execution,
    _insert_receipt,
    _insert_link,
)


@pytest.mark.slow
def test_what_is_removed_exchanged_or_inserted_is_named(rolls: Rolls) -> None:
    made = rolls(2, 2, 1)
    for state in ("before it is sealed", "after it"):
        for tamper in TAMPERS:
            with transaction.atomic():
                assert tamper(made) in names(verify()), (tamper.__name__, state)
                transaction.set_rollback(True)
            made = list(Execution.objects.order_by("pk"))
        assert verify().holds
        seal(clock.now())


def test_one_execution_is_verified_and_repeated_byte_for_byte(rolls: Rolls) -> None:
    execution = rolls(2)[0]
    report = verify_execution(execution.pk)
    assert report.holds, report.findings
    assert report.looked["repetitions"] == 1
    assert verify_execution(uuid7()).findings[0].what == "there is no receipt of it"


def test_the_command_names_what_does_not_fit_and_exits_with_1(rolls: Rolls) -> None:
    execution = rolls(1)[0]
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    out = StringIO()
    call_command("verify_receipts", "--since", since, stdout=out)
    assert "All of it is as it was recorded." in out.getvalue()
    result = execution.result
    Execution.objects.filter(pk=execution.pk).update(result=b"\xc0")
    for told in (
        "altered: its row or an attempt is not what was committed",
        "altered: its result differs from its receipt",
    ):
        with pytest.raises(CommandError) as failure:
            call_command("verify_receipts", str(execution.pk), stdout=out)
        assert failure.value.returncode == 1
        assert f"execution {execution.pk}: {told}" in out.getvalue()
        Execution.objects.filter(pk=execution.pk).update(result=result)
        seal(clock.now())
        Execution.objects.filter(pk=execution.pk).update(result=b"\xc0")


def test_a_site_may_do_without_receipts(rolls: Rolls, settings: object) -> None:
    settings.SCRIPTING_RECEIPTS = False  # type: ignore[attr-defined]
    rolls(1)
    assert not ReceiptLink.objects.exists()
