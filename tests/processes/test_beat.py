"""Several calls in one exchange, and a right that is held from one beat to the next."""

from __future__ import annotations

import pytest
import redis

from scripting.processes import life
from scripting.processes.one_at_a_time import BEAT_SECONDS, FromBeatToBeat, OneAtATime
from scripting.storage.lua import Call, LuaScript, together

SUM = LuaScript("return #KEYS + ARGV[1] + ARGV[2]")
NOTHING = LuaScript("if KEYS[1] then redis.call('SET', KEYS[1], ARGV[1]) end -- and says nothing")
NAMES = LuaScript("return {KEYS[1], KEYS[2]}")


def test_calls_made_together_have_each_their_own_keys_arguments_and_answer(redis_client: redis.Redis) -> None:
    calls = [Call(SUM, ["a", "b"], [3, 4]), Call(NOTHING, ["set"], ["to"]), Call(NAMES, ["c", "d"]), Call(NOTHING)]
    assert together(calls, redis_client) == [9, None, [b"c", b"d"], None]
    assert redis_client.get("set") == b"to"


def test_a_right_is_one_process_at_a_time_until_it_is_not_heard_of(redis_client: redis.Redis) -> None:
    first, second = FromBeatToBeat("first", "thing"), FromBeatToBeat("second", "thing")
    assert [first.ask(), second.ask(), first.ask()] == [True, False, True]
    assert 0 < redis_client.pttl("goby:thing") <= BEAT_SECONDS * 1000
    first.release()
    assert [second.ask(), first.ask()] == [True, False]
    redis_client.delete("goby:thing")  # as when it runs out
    assert [first.ask(), second.ask()] == [True, False]
    second.release()
    assert first.ask(), "what is not held is not given back"


@pytest.mark.skipif(not life.identity(), reason="this system does not tell of its processes")
def test_a_lock_is_free_once_its_holder_has_ended_on_this_machine(redis_client: redis.Redis) -> None:
    place, _, started = life.identity().rpartition("/")
    redis_client.set("goby:thing", f"1a {place}/{int(started) - 1}", px=5000)
    assert OneAtATime("thing").step()
    assert not OneAtATime("thing").step()
