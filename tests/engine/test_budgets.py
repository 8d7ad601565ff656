"""Budgets: exchanges, statements, commands and bytes that an event, a run, a publish and a page may cost. Counts, which do not vary; never times.

Whoever goes over one has made the path longer: shorten it, or raise the budget and say in the commit what it buys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models.sql.compiler import SQLCompiler
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from scripting.bus import held, publishing
from scripting.bus.publishing import Message
from scripting.bus.streams import Stream
from scripting.engine import get_engine
from scripting.hot_reload.listener import Listener
from scripting.hot_reload.watcher import Watcher
from scripting.models import Activation, Execution, Script, ScriptVersion
from scripting.modules.calls import Outcome
from scripting.processes import members
from scripting.registry import activating, storing
from scripting.registry import publishing as registry_publishing
from scripting.registry.active import registry
from scripting.registry.moves import AnyBase
from scripting.storage.redis_client import redis_client
from scripting.supervisor import ahead
from scripting.supervisor.channel import Channel
from scripting.types import ExecutionRequest, ScriptInput
from scripting.workers import drain_job
from tests.support.arena import Arena, arena_registered, make_script
from wargame import rows
from wargame.battle import start_battle

pytestmark = pytest.mark.django_db(transaction=True)

BATCH = 64


@contextmanager
def statements(most: int) -> Iterator[None]:
    """Within it the database may be asked so often."""
    with CaptureQueriesContext(connection) as asked:
        yield
    told = "\n".join(query["sql"][:160] for query in asked.captured_queries)
    assert len(asked.captured_queries) <= most, f"{len(asked.captured_queries)} statements, not {most}:\n{told}"


@contextmanager
def commands(most: int) -> Iterator[None]:
    """Within it Redis may get so many commands, those inside Lua scripts among them."""
    client = redis_client()
    before = counted(client)
    yield
    found = {name: calls - before.get(name, 0) for name, calls in counted(client).items() if name != "info"}
    found = {name: calls for name, calls in found.items() if calls}
    assert sum(found.values()) <= most, f"{sum(found.values())} commands, not {most}: {found}"


def counted(client: redis.Redis) -> dict[str, int]:
    stats: Any = client.info("commandstats")
    return {name.removeprefix("cmdstat_"): found["calls"] for name, found in stats.items()}


@pytest.fixture
def exchanges(monkeypatch: pytest.MonkeyPatch) -> Callable[[], dict[str, int]]:
    """How often this process has exchanged a frame with a sandbox, sent one or got one, read again for the rest of one, and set a time for it."""
    found = {"exchange": 0, "send": 0, "receive": 0, "_receive_rest": 0, "_read_by": 0, "_limit_receive": 0}
    for name in found:
        monkeypatch.setattr(Channel, name, counting(getattr(Channel, name), found, name))
    return lambda: dict(found)


def counting(real: Callable[..., Any], found: dict[str, int], name: str) -> Callable[..., Any]:
    def method(self: Channel, *arguments: Any) -> Any:
        found[name] += 1
        return real(self, *arguments)

    return method


class Quiet(Arena):
    """Its outcomes change nothing: what is counted is the engine's own."""

    def apply(self, outcome: Outcome) -> None:
        pass


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Script]:
    monkeypatch.setattr(held, "MAX_HELD_SECONDS", 60.0)  # however busy the machine: a batch is one commit
    settings.SCRIPTING_GENERATION_MAX_AGE = 60.0  # and which version is active is looked up by no clock
    with arena_registered(Quiet):
        yield make_script("result = {'points': message['payload']['points']}\n")
    registry.forget()


def publish(count: int) -> None:
    publishing.publish_many(Message("arena.hit", {"points": 7}, key="ann") for _ in range(count))


def drain() -> None:
    drain_job.drain_once(Stream.of("arena", "ann", ""))


def test_a_warm_run_is_one_frame_to_the_sandbox_and_one_back(quiet: Script, exchanges: Any) -> None:
    for count in (BATCH, 1):  # so many that the sandbox which compiled has made room for one with the code alone
        publish(count), drain()
    before = exchanges()
    for _ in range(3):
        publish(1), drain()
    made = {name: number - before[name] for name, number in exchanges().items()}
    assert made == {"exchange": 3, "send": 0, "receive": 0, "_receive_rest": 0, "_read_by": 0, "_limit_receive": 0}


def test_a_batch_is_sent_to_its_sandbox_in_a_few_exchanges(
    quiet: Script, exchanges: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "SECONDS", 60.0)  # however busy the machine
    monkeypatch.setattr(ahead, "PATIENCE_SECONDS", 60.0)
    monkeypatch.setattr(ahead, "SLOW_US", 60_000_000)
    for count in (BATCH, 1):
        publish(count), drain()
    before = exchanges()
    publish(BATCH), drain()
    made = {name: number - before[name] for name, number in exchanges().items()}
    assert made == {
        "exchange": 0,
        "send": BATCH // 16,
        "receive": 0,
        "_receive_rest": 0,
        "_read_by": 0,
        "_limit_receive": 0,
    }
    assert Execution.objects.filter(status="succeeded").count() == 2 * BATCH + 1


def test_a_batch_of_events_costs_as_many_statements_as_one(quiet: Script) -> None:
    publish(1), drain()
    publish(1)
    with statements(5):
        drain()
    publish(BATCH)
    with statements(5):
        drain()


def test_a_request_is_recorded_in_two_statements_of_one_transaction(quiet: Script) -> None:
    request = ExecutionRequest("arena", "scorer", ScriptInput({"message": {"payload": {"points": 7}}}))
    get_engine().execute(request)
    with statements(4):
        assert get_engine().execute(request).error is None


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the log that is counted is SQLite's")
def test_a_request_writes_a_page_for_each_index_that_it_has_something_for(quiet: Script) -> None:
    """The execution has five (its row, id, script, version, trigger); its link and the figures are one row without an index."""
    request = ExecutionRequest("arena", "scorer", ScriptInput({"message": {"payload": {"points": 7}}}))
    get_engine().execute(request)
    with connection.cursor() as cursor:
        page = cursor.execute("PRAGMA page_size").fetchone()[0]
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    log = Path(f"{connection.settings_dict['NAME']}-wal")
    for _ in range(20):
        get_engine().execute(request)
    assert (log.stat().st_size - 32) / (page + 24) <= 20 * 7.5  # six, and some get their next page meanwhile


def test_publishing_and_draining_many_events_costs_few_commands(quiet: Script) -> None:
    publish(1), drain()
    with commands(BATCH + 32):  # and what a busy machine does by the clock meanwhile
        publish(BATCH)
    publish(BATCH)
    with commands(50):  # two batches' worth, and what a drain does by the clock where the machine is busy
        drain()


def test_an_event_and_its_execution_take_few_bytes(quiet: Script) -> None:
    publish(1)
    [[_, fields]] = redis_client().xrange(Stream.of("arena", "ann", "").entries)
    assert len(fields[b"e"]) <= 300
    drain()
    row = Execution.objects.values().get()
    assert sum(len(str(value)) for value in row.values() if value) <= 1300


def test_battles_are_read_for_a_commit_by_queries_that_are_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    games = [start_battle(seed=seed, demo=False) for seed in (1, 2)]
    numbers = [games[1].pk, games[0].pk, games[1].pk + 1]
    with transaction.atomic():
        rows.all_locked(numbers)
        monkeypatch.delattr(SQLCompiler, "as_sql")
        with statements(3):
            found = rows.all_locked(numbers)
    monkeypatch.undo()
    read = [rows.read(game) for game in games]
    assert [(each.game, each.units, each.battle.units) for each in found] == [
        (each.game, each.units, each.battle.units) for each in read
    ]


def publish_version(script: Script, points: int) -> None:
    version, _ = storing.store(script, "python", f"result = {points}".encode(), ScriptVersion.Origin.EDITOR)
    activating.activate(script, version, Activation.Cause.PUBLISH, reason="for a test", base=AnyBase)


def test_a_version_goes_live_in_few_statements(quiet: Script) -> None:
    publish_version(quiet, 1)
    with statements(19), commands(30):
        publish_version(quiet, 2)


def test_a_text_is_published_in_one_commit(quiet: Script) -> None:
    def publish_text(points: int) -> None:
        text = f"result = {{'points': {points}}}\n"
        registry_publishing.publish(quiet, "python", text, actor=None, reason="for a test", base=AnyBase)

    publish_text(1)
    with statements(20), commands(30):
        publish_text(2)


def test_a_process_takes_a_change_in_one_exchange_with_redis_and_without_the_database(
    quiet: Script, settings: Settings
) -> None:
    """A fleet does it all at once: what one process asks then is asked a hundred times in the same moment."""
    settings.SCRIPTING_POLL_SECONDS = 600.0  # however busy the machine: it is looked at by the clock
    listener = Listener("worker", heartbeat=False)
    listener.member.beat()
    for points in (1, 2, 3):
        listener.step(0 if points == 1 else 10)
        of_before = dict(registry._scripts)
        publish_version(quiet, points)
    registry._scripts = of_before  # this process, which published, knows it already; another does not
    with statements(0), commands(8):  # the acknowledgement, and what its Lua script calls
        listener.step(10)
    (process,) = members.everyone(["arena/scorer"])
    assert process.loaded["arena/scorer"].number == quiet.versions.count()
    listener._subscription.leave()
    listener.member.leave()


def test_a_saved_file_goes_live_in_few_statements(quiet: Script, tmp_path: Path) -> None:
    file = tmp_path / "arena" / "scorer.py"
    file.parent.mkdir()
    watcher = Watcher(tmp_path)
    for points in (1, 2):
        file.write_text(f"result = {{'points': {points}}}\n")
        watcher.look()
    file.write_text("result = {'points': 3}\n")
    with statements(27):
        (step,) = watcher.look()
    assert step.outcome == "activated"


@pytest.mark.parametrize(
    ("address", "most", "most_commands"),
    [
        ("/scripts/", 12, 8),
        ("/scripts/arena/scorer/", 17, 8),
        ("/admin/scripting/execution/", 12, 3),
        ("/admin/", 16, 5),
        ("/scripting/processes/", 8, 5),
        ("/wargame/{game}/", 14, 3),
        ("/wargame/{game}/state/", 8, 3),
    ],
)
def test_a_page_costs_few_statements_and_commands(quiet: Script, address: str, most: int, most_commands: int) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    publish(20), drain()
    if "{game}" in address:
        address = address.format(game=start_battle(seed=1, demo=False).pk)
    client.get(address)
    with commands(most_commands), statements(most):
        assert client.get(address).status_code == 200
