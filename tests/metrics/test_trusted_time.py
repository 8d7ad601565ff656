"""The time to delete by: a clock that leaps, or that Redis contradicts, deletes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from scripting.metrics import trusted_time
from scripting.metrics.trusted_time import LEAP, PATIENCE, ClockDoubted, trusted
from scripting.models import RetentionMark

pytestmark = pytest.mark.django_db


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    return Later(monkeypatch)


class Later:
    """Where the clock of the database, and that of Redis beside it, are set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.began = datetime.now(UTC)
        self.by = timedelta(0)
        monkeypatch.setattr(trusted_time, "time_of_database", lambda: self.began + self.by)
        self.monkeypatch = monkeypatch

    def redis_agrees(self) -> None:
        self.monkeypatch.setattr(trusted_time, "_disagreement", lambda _now: "")


def test_nothing_is_deleted_while_the_database_and_redis_disagree(later: Later) -> None:
    later.by = timedelta(days=365)
    with pytest.raises(ClockDoubted, match="the database's clock is 365 d ahead of Redis'"):
        trusted()
    assert not RetentionMark.objects.exists()


def test_a_clock_that_leaps_deletes_nothing_until_a_person_or_three_days_say_it_is_right(later: Later) -> None:
    later.redis_agrees()
    trusted()
    later.by = LEAP - timedelta(hours=1)
    trusted()  # so far a site may be off and nobody asks
    later.by += 50 * LEAP
    assert "gone on by 350 days" in trusted_time.doubt()
    for step in (timedelta(0), PATIENCE / 2):
        later.by += step
        with pytest.raises(ClockDoubted):
            trusted()
    later.by += PATIENCE / 2
    trusted()
    assert not trusted_time.doubt()
    later.by += 2 * LEAP
    with pytest.raises(CommandError, match="gone on by 14 days"):
        call_command("prune_executions")
    trusted_time.believe(later.began + later.by)
    trusted()


def test_a_second_leap_begins_the_patience_anew(later: Later) -> None:
    later.redis_agrees()
    trusted()
    for _ in range(3):
        later.by += 2 * LEAP
        with pytest.raises(ClockDoubted):
            trusted()


def test_a_clock_that_is_set_back_is_believed(later: Later) -> None:
    later.redis_agrees()
    trusted()
    later.by = -LEAP
    trusted()
    later.by = timedelta(hours=2)
    with pytest.raises(ClockDoubted):
        trusted()
