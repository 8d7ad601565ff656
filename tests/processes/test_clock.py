"""The site's time: the database's where this host's clock is wrong, its own where it is right."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from scripting import clock
from scripting.checks import check_clock
from scripting.models.ids import time_of, uuid7
from scripting.storage import database_clock

YEAR_NS = 365 * 86_400 * 1_000_000_000
SECOND_NS = 1_000_000_000


@pytest.fixture(autouse=True)
def unmeasured() -> Iterator[None]:
    clock.forget()
    yield
    clock.forget()


def learn(theirs_ns: int, round_trip_ns: int = 2_000_000) -> None:
    now = clock.steady_ns()
    clock.learn(theirs_ns, now - round_trip_ns, now)


def test_a_clock_that_is_right_is_kept() -> None:
    learn(time.time_ns() - SECOND_NS // 5)
    assert abs(clock.time_ns() - time.time_ns()) < SECOND_NS // 10
    assert clock.ahead() == pytest.approx(0, abs=0.1)


def test_a_clock_that_is_wrong_is_not_asked() -> None:
    learn(time.time_ns() - YEAR_NS)
    a_year_ago = datetime.now(UTC) - timedelta(days=365)
    assert abs(clock.now() - a_year_ago) < timedelta(seconds=1)
    assert clock.ahead() == pytest.approx(YEAR_NS / 1e9, abs=1)


def test_a_clock_that_is_set_while_the_process_runs_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    learn(time.time_ns())
    now, real = datetime.now(UTC), time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + YEAR_NS)
    assert abs(clock.now() - now) < timedelta(seconds=1)


def test_what_a_slow_answer_cannot_tell_makes_no_step() -> None:
    learn(time.time_ns() - YEAR_NS)
    before = clock.measured()
    assert before is not None
    learn(time.time_ns() - YEAR_NS - SECOND_NS, round_trip_ns=8 * SECOND_NS)
    after = clock.measured()
    assert after is not None
    assert after.base_ns == before.base_ns


@pytest.mark.django_db
def test_a_new_connection_tells_the_time_of_the_database() -> None:
    assert abs(database_clock.time_of_database() - datetime.now(UTC)) < timedelta(seconds=5)
    assert (clock.measured() is not None) == (connection.vendor == "postgresql")
    assert check_clock(None, databases=["default"]) == []


@pytest.mark.parametrize(
    ("ahead", "words"),
    [(365 * 86400, "365 d ahead of"), (-7300, "2 h behind"), (130, "2 min ahead of"), (-12, "12 s behind")],
)
def test_in_words(ahead: float, words: str) -> None:
    assert database_clock.off_by(ahead) == words


def test_identifiers_do_not_keep_to_a_clock_that_was_wrong_until_the_database_was_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + YEAR_NS)
    assert time_of(uuid7()) - datetime.now(UTC) > timedelta(days=364)
    learn(real())
    assert abs(time_of(uuid7()) - datetime.now(UTC)) < timedelta(seconds=5)


def test_identifiers_go_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    learn(time.time_ns())
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + YEAR_NS)
    assert abs(time_of(uuid7()) - datetime.now(UTC)) < timedelta(seconds=5)
