"""A corpus holds what was asked for, and a sample of it all that is rare."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from scripting.evidence.corpus import Selection, resolve
from scripting.models import Execution, Script
from scripting.sandbox.protocol import encode_value
from tests.insight.runs import write

HOUR = timedelta(hours=1)


def test_the_newest_are_taken_oldest_first(damage: Script) -> None:
    ids = write(damage, 30)
    assert list(resolve(damage, Selection(last=10)).ids) == ids[-10:]


def test_a_range_of_time_is_taken_whole(damage: Script) -> None:
    now = datetime.now(UTC)
    write(damage, 20, end=now - 2 * HOUR)
    inside = write(damage, 20, end=now - HOUR)
    write(damage, 20, end=now)
    found = resolve(damage, Selection(since=now - HOUR - timedelta(minutes=5), until=now - timedelta(minutes=30)))
    assert list(found.ids) == inside


def test_a_sample_of_a_range_has_every_failure_and_every_rare_outcome(damage: Script) -> None:
    usual, rare = (encode_value({"damage": 5, "critical": flag}) for flag in (False, True))
    write(damage, 400, result=usual)
    rares = write(damage, 4, result=rare)
    failures = write(damage, 6, status="failed", error_type="execution", error_message="x")
    corpus = resolve(damage, Selection(last=50, since=datetime.now(UTC) - HOUR))
    assert (len(corpus.ids), corpus.found) == (50, 410)
    assert set(rares) | set(failures) <= set(corpus.ids)
    assert corpus.digest == resolve(damage, Selection(last=50, since=datetime.now(UTC) - HOUR)).digest


def test_topic_status_key_and_version_choose(damage: Script) -> None:
    one = write(damage, 2, topic="wargame.hit", key="7")
    other = write(damage, 2, topic="", status="failed", error_type="timeout", error_message="x")
    assert list(resolve(damage, Selection(topic="wargame.hit")).ids) == one
    assert list(resolve(damage, Selection(key="7")).ids) == one
    assert list(resolve(damage, Selection(status="failed")).ids) == other
    assert len(resolve(damage, Selection(version=1)).ids) == 4
    assert resolve(damage, Selection(version=9)).ids == ()
    assert Execution.objects.count() == 4
