"""A database brought back to an older backup, with a Redis that is newer, older or empty: nothing doubled, no number twice, the rest named."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
import redis
from django.core.management import call_command
from django.core.management.base import CommandError

from scripting.bus import outbox, publishing, streams
from scripting.bus.streams import Stream
from scripting.models import Execution, OutboxEvent, Script
from scripting.models.ids import uuid7
from scripting.receipts import roots
from scripting.registry import publishing as versions
from scripting.registry.active import registry
from scripting.registry.moves import AnyBase
from scripting.subscriptions.subscribed import table
from scripting.workers.drain_job import drain_once
from tests.support import backups
from tests.support.arena import make_script, score

pytestmark = [pytest.mark.usefixtures("arena"), pytest.mark.django_db(transaction=True)]


def text(points: int) -> str:
    return f"result = {{'points': {points}}}"


def publish(points: int) -> int:
    """The number of the version with this text."""
    script = Script.objects.get()
    activation = versions.publish(script, "python", text(points), actor=None, reason="better", base=AnyBase)
    assert activation.version is not None
    return activation.version.number


def accept(event: str) -> None:
    publishing.publish("arena.hit", {"points": 0}, key="ann", event_id=event)


def drain() -> None:
    drain_once(Stream.of("arena", "ann", ""))


def after_restore(*arguments: str) -> str:
    said = StringIO()
    call_command("after_restore", *arguments, stdout=said)
    return said.getvalue()


def bring_back(backup: Path) -> None:
    backups.bring_back(backup)
    registry.forget()
    table.forget()


@pytest.fixture
def last_night(tmp_path: Path) -> Path:
    """A backup of a site whose script is at its first version, worth a point, after the event `early`."""
    make_script(text(1))
    accept("early")
    drain()
    assert score("ann") == 1
    return backups.take(tmp_path)


def test_a_newer_redis_keeps_its_events_and_no_number_of_a_version_is_given_twice(last_night: Path) -> None:
    assert publish(2) == 2
    accept("today")
    drain()
    assert publish(3) == 3
    accept("waiting")
    bring_back(last_night)

    said = after_restore()
    assert "not in the database: version arena/scorer: 2 to 3 (the next one is 4)" in said
    assert "1 events wait in Redis, the first since" in said
    assert "; 0 of them are recorded already" in said
    drain()  # what waited runs on what is live in the backup
    assert score("ann") == 2
    for event in ("early", "today"):  # replayed by who sent them, since the backup may lack either
        accept(event)
    drain()
    assert score("ann") == 3, "the one that the backup holds took effect once"
    assert publish(4) == 4


def test_an_older_redis_brings_events_that_are_recorded_and_take_no_effect_again(last_night: Path) -> None:
    accept("early")  # as it stands in a Redis whose data is from before it ran
    assert "1 of them are recorded already and take effect once" in after_restore()
    drain()
    assert score("ann") == 1
    assert Execution.objects.count() == 1


def test_an_empty_redis_gets_what_the_database_owes_and_numbers_leap(
    last_night: Path, redis_client: redis.Redis
) -> None:
    assert publish(2) == 2
    event = publishing.make_event("arena.hit", {"points": 0}, key="ann")
    OutboxEvent.objects.create(id=uuid7(), topic=event.topic, envelope=event.encode())
    backup = backups.take(last_night.parent)
    publish(3)
    bring_back(backup)
    redis_client.flushall()

    assert "1 follow-up events wait in the database" in after_restore("--leap", "100")
    assert outbox.relay(list(OutboxEvent.objects.values_list("pk", flat=True))) == 1
    drain()
    assert score("ann") == 3
    assert publish(4) == 103, "2 was the last that the backup knows"
    assert streams.conditions()[0].length == 0


@pytest.mark.parametrize("too_far", ["3000000000", "-5", "many"])
def test_numbers_leap_no_further_than_the_database_can_hold(last_night: Path, too_far: str) -> None:
    before = publish(2)
    with pytest.raises(CommandError, match="write a number from 0 to 1000000"):
        after_restore("--leap", too_far)
    assert publish(3) == before + 1


def test_a_file_of_roots_that_cannot_be_read_is_named(last_night: Path, tmp_path: Path, settings: object) -> None:
    settings.SCRIPTING_RECEIPTS_DIR = str(tmp_path / "receipts")  # type: ignore[attr-defined]
    roots.root_file().mkdir(parents=True)
    with pytest.raises(CommandError, match=f"{roots.root_file()}: Is a directory"):
        after_restore()


def test_a_root_that_was_published_after_the_backup_is_named(
    last_night: Path, tmp_path: Path, settings: object
) -> None:
    settings.SCRIPTING_RECEIPTS_DIR = str(tmp_path / "receipts")  # type: ignore[attr-defined]
    roots.root_file().parent.mkdir()
    roots.root_file().write_text('{"module": "arena", "day": "2026-11-28"}\n')
    assert "not in the database: root of receipts arena 2026-11-28" in after_restore()
