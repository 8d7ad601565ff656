"""The sweep, one step at a time: streams nobody drains, outbox rows nobody relayed, workers that died."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis
from django.db import DatabaseError, connection, transaction

from scripting.bus import drain_queue, outbox, publishing, streams
from scripting.bus.events import Event
from scripting.bus.lease import Lease
from scripting.bus.streams import Stream
from scripting.models import OutboxEvent, uuid7
from scripting.processes import life
from scripting.schedules.turning import Owner
from scripting.storage.bulk_update import delete_rows
from scripting.storage.lua import together
from scripting.workers import heartbeat, sweep
from scripting.workers.heartbeat import Dead, Liveness
from scripting.workers.sweep import Sweep
from tests.bus.desk import STREAM, put
from tests.support.redis import RedisServer


def waiting() -> list[str]:
    return drain_queue.drain_queue().job_ids


def test_a_stream_whose_job_waits_is_left_alone() -> None:
    ((stream, job),) = put("a")
    drain_queue.enqueue_drain(stream, job)
    sweep = Sweep()
    assert [sweep.heal_streams() for _ in range(3)] == [[], [], []]
    assert waiting() == [job]


def test_a_stream_whose_publisher_died_before_it_enqueued_the_job_gets_one() -> None:
    put("a")
    sweep = Sweep()
    assert sweep.heal_streams() == []  # the publisher may be about to
    assert sweep.heal_streams() == [STREAM]
    assert sweep.heal_streams() == []
    assert len(waiting()) == 1


def test_a_stream_that_is_being_drained_is_left_alone() -> None:
    put("a")
    lease = Lease.take(STREAM, "tester")
    sweep = Sweep()
    assert [sweep.heal_streams() for _ in range(3)] == [[], [], []]
    assert lease is not None
    assert waiting() == []


def test_a_dead_drain_is_replaced_once_its_lease_has_run_out(redis_client: redis.Redis) -> None:
    put("a")
    assert Lease.take(STREAM, "tester") is not None
    redis_client.delete(STREAM.lease)  # as when it ran out
    sweep = Sweep()
    sweep.heal_streams()
    assert sweep.heal_streams() == [STREAM]


def test_of_two_workers_that_sweep_at_once_one_heals() -> None:
    put("a")
    first, second = Sweep(), Sweep()
    first.heal_streams(), second.heal_streams()
    assert (first.heal_streams(), second.heal_streams()) == ([STREAM], [])
    assert len(waiting()) == 1


def test_a_flag_without_entries_is_cleared(redis_client: redis.Redis) -> None:
    put("a")
    redis_client.xtrim(STREAM.entries, maxlen=0)
    sweep = Sweep()
    sweep.heal_streams(), sweep.heal_streams()
    assert not redis_client.exists(STREAM.flag)
    assert waiting() == []


def test_entries_without_a_flag_get_a_job(redis_client: redis.Redis) -> None:
    put("a")
    redis_client.delete(STREAM.flag)
    sweep = Sweep()
    sweep.heal_streams()
    assert sweep.heal_streams() == [STREAM]


def test_the_job_that_died_with_its_worker_leaves_rqs_lists() -> None:
    ((stream, job),) = put("a")
    drain_queue.enqueue_drain(stream, job)
    streams.redis_client().lrem("rq:queue:scripting", 1, job)  # a worker took it, and died
    sweep = Sweep()
    sweep.heal_streams()
    assert sweep.heal_streams() == [STREAM]
    assert drain_queue.drain_queue().fetch_job(job) is None
    assert len(waiting()) == 1


def test_a_worker_that_starts_while_another_takes_a_job_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    ((stream, job),) = put("a")
    drain_queue.enqueue_drain(stream, job)
    streams.redis_client().lrem("rq:queue:scripting", 1, job)  # a worker took it, and is about to take the lease
    assert Sweep().after_absence("worker.2") == [STREAM]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    sweep = Sweep()
    streams.redis_client().delete("rq:queue:scripting")
    sweep.heal_streams(), sweep.heal_streams()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "stream arena:0 had no live drain and gets one"
    ]


@contextlib.contextmanager
def slow_deletes() -> Iterator[None]:
    """Between one row of the outbox and the next a DELETE rests for half a second."""
    with connection.cursor() as cursor:
        cursor.execute("""CREATE FUNCTION rest() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN PERFORM pg_sleep(0.5); RETURN OLD; END'""")
        cursor.execute(
            "CREATE TRIGGER rests BEFORE DELETE ON scripting_outboxevent FOR EACH ROW EXECUTE FUNCTION rest()"
        )
        try:
            yield
        finally:
            cursor.execute("DROP FUNCTION rest CASCADE")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("arena")
class TestTheOutbox:
    """Rows that were committed and not relayed."""

    def row(self, seconds_ago: float = 60, **changes: object) -> OutboxEvent:
        event = publishing.make_event("arena.hit", {"points": 1}, key="ann")
        row = OutboxEvent.objects.create(id=event.id, topic=event.topic, envelope=event.encode(), **changes)
        OutboxEvent.objects.update(created_at=datetime.now(UTC) - timedelta(seconds=seconds_ago))
        return row

    def sent(self) -> list[str]:
        """The events in the stream that these rows go to."""
        stream = streams.Stream.of("arena", "ann", "")
        return [streams_event(fields) for _, fields in streams.redis_client().xrange(stream.entries)]

    def test_is_relayed_in_order_and_emptied(self) -> None:
        rows = [self.row(), self.row()]
        assert outbox.relay([row.pk for row in reversed(rows)]) == 2
        assert OutboxEvent.objects.count() == 0
        assert self.sent() == [str(row.pk) for row in rows]

    def sent_by(self, thread: outbox.Relayed) -> None:
        """As its thread does behind a commit."""
        row = self.row()
        assert outbox.relay_events([(Event.decode(row.envelope), row.envelope)], thread) == 1
        assert self.sent()[-1] == str(row.pk)

    def commit(self, thread: outbox.Relayed) -> None:
        with transaction.atomic():
            thread.delete()

    def test_that_a_busy_thread_has_sent_is_emptied_by_its_next_commit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(outbox, "BUSY_SECONDS", 600.0)
        thread = outbox.Relayed()
        self.commit(thread), self.commit(thread)
        self.sent_by(thread)
        assert OutboxEvent.objects.count() == 1
        with transaction.atomic():
            thread.delete()
            transaction.set_rollback(True)
        assert OutboxEvent.objects.count() == 1
        self.commit(thread)
        assert OutboxEvent.objects.count() == 0

    def test_that_a_busy_thread_has_sent_is_emptied_when_it_rests(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(outbox, "BUSY_SECONDS", 600.0)
        thread = outbox.Relayed()
        self.commit(thread), self.commit(thread)
        self.sent_by(thread)
        thread.finish()
        assert OutboxEvent.objects.count() == 0

    def test_that_a_thread_has_sent_which_commits_now_and_then_is_emptied_at_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        thread = outbox.Relayed()
        self.commit(thread)
        self.sent_by(thread)
        assert OutboxEvent.objects.count() == 0
        monkeypatch.setattr(outbox, "BUSY_SECONDS", 0.0)
        self.commit(thread)
        self.sent_by(thread)
        assert OutboxEvent.objects.count() == 0

    def test_that_its_process_did_not_relay_is_left_to_the_sweep(self, redis_server: RedisServer) -> None:
        row = self.row()
        redis_server.kill()
        assert outbox.relay([row.pk]) == 0
        assert OutboxEvent.objects.count() == 1
        redis_server.start()
        assert Sweep().relay_outbox() == 1
        assert (
            self.sent().count(str(row.pk)) == 1
        )  # entries of earlier tests may be back: their end was not on disk yet
        assert OutboxEvent.objects.count() == 0

    def test_is_deleted_by_a_drain_and_a_sweep_at_once_without_a_deadlock(self) -> None:
        """PostgreSQL takes the rows in the order in which it finds them, by its index or by their places."""
        if connection.vendor != "postgresql":
            pytest.skip("SQLite lets one write at a time")
        low, high = sorted([uuid7(), uuid7()])
        for pk in (high, low):
            OutboxEvent.objects.create(id=pk, topic="arena.hit", envelope=b"")
        failed: list[Exception] = []

        def delete(found_by: str) -> None:
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    for way in {"index", "seq", "bitmap"} - {found_by}:
                        cursor.execute(f"SET LOCAL enable_{way}scan = off")
                    delete_rows(OutboxEvent, [low, high])
            except DatabaseError as error:
                failed.append(error)
            finally:
                connection.close()

        with slow_deletes():
            threads = [threading.Thread(target=delete, args=[way]) for way in ("index", "seq")]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert failed == []
        assert OutboxEvent.objects.count() == 0

    def test_of_this_moment_is_left_to_the_process_that_committed_it(self) -> None:
        self.row(seconds_ago=0)
        assert Sweep().relay_outbox() == 0
        assert OutboxEvent.objects.count() == 1

    def test_is_relayed_by_one_sweep_at_a_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sweep, "TAKEN_UP_MS", 600_000)
        self.row()
        assert Sweep().relay_outbox() == 1
        self.row()
        assert Sweep().relay_outbox() == 0

    def test_a_row_from_the_future_is_relayed(self) -> None:
        self.row(seconds_ago=-3600)  # its host's clock was wrong
        assert Sweep().relay_outbox() == 1

    def test_row_that_is_no_envelope_is_set_aside(self, redis_client: redis.Redis) -> None:
        OutboxEvent.objects.create(topic="arena.hit", envelope=b"\xff")
        good = self.row()
        assert outbox.relay([row.pk for row in OutboxEvent.objects.all()]) == 1
        assert OutboxEvent.objects.count() == 0
        assert publishing.backlog().events == 1
        assert publishing.backlog().dead_letters == 1
        assert good.pk


def streams_event(fields: dict[bytes, bytes]) -> str:
    from scripting.bus.events import Event

    return Event.decode(fields[b"e"]).id


def test_a_worker_that_died_is_struck_from_our_list_and_rqs(redis_client: redis.Redis) -> None:
    alive, dead = Liveness("one"), Liveness("two")
    for worker in (alive, dead):
        worker.beat()
        redis_client.sadd("rq:workers", f"rq:worker:{worker.name}")
    redis_client.delete(f"goby:alive:{dead.name}")  # as when its heartbeat ran out
    assert heartbeat.live_workers() == [alive.name]
    assert heartbeat.bury(together([heartbeat.roll_call()], redis_client)[0]) == [Dead(dead.name, is_certain=False)]
    assert [name.decode() for name, *_ in together([heartbeat.roll_call()], redis_client)[0]] == [alive.name]
    assert redis_client.smembers("rq:workers") == {f"rq:worker:{alive.name}".encode()}


def test_a_stream_is_drained_at_once_when_its_worker_has_ended_on_this_machine(redis_client: redis.Redis) -> None:
    dead, elsewhere = Liveness("dead"), Liveness("elsewhere")
    lost, kept = Stream("arena", 0), Stream("arena", 1)
    for worker, stream in ((dead, lost), (elsewhere, kept)):
        worker.beat()
        streams.append([(stream, b"event")])
        assert Lease.take(stream, worker.name)
    redis_client.set(f"goby:alive:{dead.name}", ended_process())
    redis_client.set(f"goby:alive:{elsewhere.name}", "another-machine/pid:[1]/1/1")
    assert Sweep().after_absence("heir") == [lost]
    assert [job.rsplit("-", 1)[0] for job in waiting()] == ["drain-arena-0"]
    assert Lease.take(kept, "heir") is None
    assert Lease.take(lost, "heir")


def test_a_worker_that_lost_redis_gives_up_its_own_leases_when_it_is_back() -> None:
    streams.append([(STREAM, b"event")])
    assert Lease.take(STREAM, "worker.1a")
    assert Sweep().after_absence("worker.1") == []
    assert Sweep().after_absence("worker.1a") == [STREAM]


def test_the_right_to_sweep_is_free_once_its_holder_has_ended_on_this_machine(redis_client: redis.Redis) -> None:
    redis_client.set("goby:schedules:owner", f"dead.1 {ended_process()}", px=3000)
    assert Owner("heir").right.ask()


def ended_process() -> str:
    """The identity of a process that there was."""
    place, _, started = life.identity().rpartition("/")
    return f"{place}/{int(started) - 1}"


def test_a_worker_that_comes_after_a_dead_one_of_its_name_is_another() -> None:
    assert Liveness("one").name != Liveness("one").name


def test_a_heartbeat_keeps_the_leases_of_its_process(redis_client: redis.Redis) -> None:
    lease = Lease.take(STREAM, "tester")
    assert lease is not None
    redis_client.pexpire(STREAM.lease, 900)
    Liveness("one").beat()
    assert redis_client.pttl(STREAM.lease) > 1000


def test_a_worker_is_stuck_when_one_thing_takes_longer_than_a_job_may(settings: object) -> None:
    worker = Liveness("one")
    assert not worker.is_stuck()
    worker.busy()
    assert not worker.is_stuck()
    settings.SCRIPTING_JOB_TIMEOUT = 0.0  # type: ignore[attr-defined]
    worker.busy(seconds=30)
    assert not worker.is_stuck()
    worker.busy()
    assert worker.is_stuck()
    worker.idle()
    assert not worker.is_stuck()
