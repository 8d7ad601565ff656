"""Streams, flags and leases in a real Redis, one exchange at a time."""

from __future__ import annotations

import pytest
import redis

from scripting.bus import lease as leases
from scripting.bus import streams
from scripting.bus.lease import Lease, LeaseLost
from scripting.bus.streams import Stream
from tests.bus.desk import STREAM, put


def take() -> Lease:
    lease = Lease.take(STREAM, "tester")
    assert lease is not None
    return lease


def ids(lease: Lease, *settled: bytes) -> list[bytes]:
    return [entry for entry, _ in lease.read(10, settled).entries]


def test_the_same_key_goes_to_the_same_stream_in_every_process() -> None:
    assert Stream.of("arena", "game-7", "1") == Stream.of("arena", "game-7", "2") == Stream("arena", 1)


def test_events_without_a_key_are_spread_by_their_id() -> None:
    assert {Stream.of("arena", "", str(number)).shard for number in range(64)} == {0, 1, 2, 3}


def test_only_the_first_append_asks_for_a_drain_job(redis_client: redis.Redis) -> None:
    ((stream, job),) = put("a", "b")
    assert stream == STREAM
    assert put("c") == []
    assert redis_client.get(STREAM.flag) == job.encode()


def test_one_append_reaches_several_streams_in_one_step(redis_client: redis.Redis) -> None:
    other = Stream("other", 3)
    jobs = streams.append([(STREAM, b"x"), (other, b"y"), (STREAM, b"z")])
    assert [stream for stream, _ in jobs] == [STREAM, other]
    assert redis_client.xlen(STREAM.entries) == 2
    assert redis_client.xlen(other.entries) == 1


def test_a_second_drain_does_not_get_the_lease() -> None:
    lease = take()
    assert Lease.take(STREAM, "another") is None
    assert lease.finish()
    assert Lease.take(STREAM, "another") is not None


def test_entries_stay_until_they_are_settled() -> None:
    put("a", "b")
    lease = take()
    first, second = ids(lease)
    assert ids(lease) == [first, second]
    assert ids(lease, first) == [second]
    assert not lease.finish()
    assert ids(lease, second) == []
    assert lease.finish()


def test_the_flag_goes_only_with_an_empty_stream(redis_client: redis.Redis) -> None:
    put("a")
    lease = take()
    (entry,) = ids(lease)
    assert not lease.finish()
    assert redis_client.exists(STREAM.flag)
    ids(lease, entry)
    assert lease.finish()
    assert not redis_client.exists(STREAM.flag, STREAM.lease, STREAM.mark, STREAM.deliveries)
    assert len(put("b")) == 1


def test_handing_over_names_a_new_job_and_frees_the_lease(redis_client: redis.Redis) -> None:
    put("a")
    job = take().hand_over()
    assert redis_client.get(STREAM.flag) == job.encode()
    assert take().redelivered_to is None


def test_what_a_dead_drain_had_in_hand_is_known_as_redelivered(redis_client: redis.Redis) -> None:
    put("a", "b")
    lease = take()
    last = ids(lease)[-1]
    redis_client.delete(STREAM.lease)  # as when it ran out
    assert take().redelivered_to == last


def test_a_lease_that_was_taken_over_is_of_no_more_use(redis_client: redis.Redis) -> None:
    put("a")
    lease = take()
    redis_client.delete(STREAM.lease)
    successor = take()
    for use in (lease.renew, lease.finish, lease.hand_over, lambda: lease.read(1)):
        with pytest.raises(LeaseLost):
            use()
    assert len(ids(successor)) == 1


def test_a_check_asks_redis_once_half_of_the_lease_is_over(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = take()
    redis_client.set(STREAM.lease, "somebody else")
    lease.check()  # nobody can have taken it yet: its time in Redis was not over
    monkeypatch.setattr(lease, "_sure_until", lease._sure_until - 0.6 * leases.LEASE_SECONDS)
    with pytest.raises(LeaseLost):
        lease.check()


def test_a_lease_runs_out_unless_it_is_renewed(redis_client: redis.Redis) -> None:
    take()
    left = redis_client.pttl(STREAM.lease)
    assert 0 < left <= leases.LEASE_SECONDS * 1000
    redis_client.pexpire(STREAM.lease, 900)
    leases.renew_held()
    assert redis_client.pttl(STREAM.lease) > 1000


def test_of_several_leases_a_lost_one_keeps_none_of_the_others_from_being_renewed(redis_client: redis.Redis) -> None:
    streams_of_ours = [Stream("arena", shard) for shard in range(3)]
    ours = [Lease.take(stream, "tester") for stream in streams_of_ours]
    redis_client.set(streams_of_ours[1].lease, "somebody else", px=900)
    for stream in streams_of_ours:
        redis_client.pexpire(stream.lease, 900)
    leases.renew_held()
    assert [redis_client.pttl(stream.lease) > 1000 for stream in streams_of_ours] == [True, False, True]
    assert [lease in leases._held for lease in ours] == [True, False, True]


def test_reading_tells_the_generation_and_how_many_jobs_wait(redis_client: redis.Redis) -> None:
    from scripting.processes import generation

    lease = take()
    assert lease.read(1).generation == (None, None)
    generation.bump()
    redis_client.rpush("rq:queue:scripting", "some job")
    read = lease.read(1)
    assert read.generation == generation.read()
    assert read.jobs_waiting == 1


def test_more_entries_than_lua_can_unpack_are_settled() -> None:
    put(*range(9000))
    lease = take()
    found = [entry for entry, _ in lease.read(9000).entries]
    assert len(found) == 9000
    assert lease.read(9000, found).entries == []


def test_positions_compare_as_redis_compares_them() -> None:
    assert leases.position(b"9-10") < leases.position(b"10-9") < leases.position(b"10-10")
