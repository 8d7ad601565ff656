"""A running battle with real workers: a version that always fails is withheld, and the rollups stay true when workers are killed."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support import migrated
from tests.support.postgres import new_database, server_url
from tests.support.stack import RunningStack, wait_until

THRESHOLD, BATCH, WORKERS = 5, 4, 2
ALWAYS_FAILS = "nothing = {}\nresult = nothing['there']\n"
FIXED = """result = {"hit": True, "chance": 1.0, "message": "a sure hit"}\n"""

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.any_database]


class Watched:
    """A stack whose database the test reads: by a connection to a server, or its own SQLite file."""

    def __init__(self, stack: RunningStack, server: psycopg.Connection | None) -> None:
        self.stack = stack
        self.server = server

    def ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """One statement, so one moment."""
        if self.server:
            return self.server.execute(sql.replace("?", "%s"), values or None).fetchall()  # type: ignore[arg-type]
        file = f"file:{self.stack.folder}/goby.sqlite3?mode=ro"
        with closing(sqlite3.connect(file, uri=True, timeout=20)) as base:
            return base.execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> Any:
        [[value]] = self.ask(sql, *values)
        return value

    def runs(self, where: str = "1 = 1", *values: Any) -> int:
        """Executions of hit_simulator."""
        return int(
            self.one(
                "SELECT count(*) FROM scripting_execution e JOIN scripting_script s ON s.id = e.script_id "
                f"WHERE s.name = 'hit_simulator' AND {where}",
                *values,
            )
        )

    def publish(self, text: str, folder: Path) -> int:
        """The id of the version that is active then."""
        source = folder / "text.py"
        source.write_text(text)
        done = self.stack.manage("publish_script", "wargame/hit_simulator", "--source", str(source), "-m", "for a test")
        assert done.returncode == 0, done.stderr
        return int(self.one("SELECT active_version_id FROM scripting_script WHERE name = 'hit_simulator'"))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("history") / "var"
    settings = {
        "WARGAME_TICK_SECONDS": "0.2",
        "SCRIPTING_BREAKER_FAILURES": str(THRESHOLD),
        "SCRIPTING_BATCH": str(BATCH),
    }
    with contextlib.ExitStack() as held:
        url, server = "", None
        if os.environ.get("TEST_DATABASE") == "postgres":
            url = held.enter_context(new_database(migrated.database(server_url())))
            server = held.enter_context(
                psycopg.connect(url, autocommit=True)
            )  # a new one costs more than what is asked
        yield Watched(held.enter_context(RunningStack(folder, database_url=url, **settings)), server)


@pytest.mark.once
def test_a_version_that_always_fails_is_withheld_its_fallback_carries_the_game_and_a_fix_runs_at_once(
    watched: Watched, tmp_path: Path
) -> None:
    wait_until(lambda: watched.runs("status = 'succeeded'") > 5, 60)
    bad = watched.publish(ALWAYS_FAILS, tmp_path)
    opened = "SELECT count(*) FROM scripting_breaker WHERE version_id = ? AND opened_at IS NOT NULL"
    wait_until(lambda: watched.one(opened, bad), 60, "the breaker did not open")
    carried = watched.runs("status = 'fell_back'")
    wait_until(lambda: watched.runs("status = 'fell_back'") > carried + 10, 60, "the fallback does not carry the game")
    assert watched.runs("status = 'failed'") == 0
    saw_it = watched.runs("error_version_id = ?", bad)
    assert THRESHOLD <= saw_it <= THRESHOLD + WORKERS * BATCH, "at most threshold and what was in flight"
    assert watched.runs("status = 'fell_back' AND error_message LIKE '%breaker is open%'") >= 10

    good = watched.publish(FIXED, tmp_path)
    wait_until(lambda: watched.runs("version_id = ? AND status = 'succeeded'", good) > 5, 60, "the fix does not run")
    assert watched.one(opened, good) == 0
    assert_effects_happened_once(watched)


def test_rollups_equal_a_recount_of_the_executions_after_workers_were_killed_at_random(watched: Watched) -> None:
    dice = random.Random(6)
    for _ in range(4):
        before = watched.one("SELECT count(*) FROM scripting_execution")
        wait_until(lambda: watched.one("SELECT count(*) FROM scripting_execution") > before + dice.randrange(1, 12), 60)  # noqa: B023
        victim = watched.stack.kill_worker()
        wait_until(lambda: victim not in watched.stack.worker_pids and len(watched.stack.worker_pids) == WORKERS, 60)  # noqa: B023
    before = watched.one("SELECT count(*) FROM scripting_execution")
    wait_until(lambda: watched.one("SELECT count(*) FROM scripting_execution") > before + 10, 60)
    for outcome in ("succeeded", "fell_back", "failed", "cancelled", "skipped", "abandoned"):
        [[counted, waiting, *folded]] = watched.ask(
            f"""SELECT (SELECT count(*) FROM scripting_execution WHERE status = '{outcome}'),
                       (SELECT coalesce(sum({outcome}), 0) FROM scripting_statdelta)
                       + (SELECT count(*) FROM scripting_lonecommit WHERE outcome = '{outcome}'),
                       {
                ", ".join(
                    f"(SELECT coalesce(sum({outcome}), 0) FROM scripting_executionstat WHERE span = '{span}')"
                    for span in ("minute", "ten", "hour", "day", "ever")
                )
            }"""
        )
        assert {counted} == {waiting + each for each in folded}, outcome
    [[failures, grouped]] = watched.ask(
        """SELECT (SELECT count(*) FROM scripting_execution WHERE error_version_id IS NOT NULL OR status = 'abandoned'),
                  (SELECT coalesce(sum(count), 0) FROM scripting_errorgroup)
                + (SELECT coalesce(sum(count), 0) FROM scripting_errordelta)"""
    )
    assert failures == grouped
    assert_effects_happened_once(watched)


def assert_effects_happened_once(watched: Watched) -> None:
    """Each shot had one outcome, each follow-up one run, and each unit's health goes on from where the last blow left it."""
    assert not watched.ask(
        "SELECT event_id, script_id FROM scripting_execution WHERE event_id IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1"
    )
    assert not watched.ask(
        "SELECT execution_id, kind, target_id FROM wargame_battlelogentry "
        "WHERE execution_id IS NOT NULL GROUP BY 1, 2, 3 HAVING count(*) > 1"
    )
    health: dict[int, int] = {}
    blows = watched.ask(
        "SELECT target_id, before, after FROM wargame_battlelogentry "
        "WHERE before IS NOT NULL AND target_id IS NOT NULL ORDER BY game_id, sequence"  # hits and chain reactions
    )
    assert blows
    for unit, before, after in blows:
        assert health.get(unit, before) == before, f"unit {unit} was hit twice by one blow, or not at all"
        health[unit] = after
