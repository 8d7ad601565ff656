"""Connections to Redis that their owner keeps."""

from __future__ import annotations

import pytest
import redis

from scripting.processes.channel_layer import RedisChannelLayer
from scripting.storage.line import Line
from scripting.storage.lua import LuaScript
from scripting.storage.redis_client import redis_client
from tests.support.redis import RedisServer

TWICE = LuaScript("return 2 * ARGV[1] -- of a test")


@pytest.mark.once
def test_a_line_that_was_lost_is_opened_anew_and_a_script_that_redis_forgot_is_told_again(
    redis_server: RedisServer,
) -> None:
    server, line = redis_server.own_client, Line()
    assert TWICE([], [1], line) == 2
    clients = len(server.client_list())
    assert TWICE([], [2], line) == 4
    assert len(server.client_list()) == clients, "it keeps its connection"
    server.script_flush()
    server.client_kill_filter(skipme=True)
    assert TWICE([], [3], line) == 6
    with pytest.raises(redis.ResponseError, match="wrong number"):
        line.execute_command("GET")
    assert TWICE([], [4], line) == 8
    redis_server.kill()
    try:
        with pytest.raises(redis.ConnectionError):
            TWICE([], [5], line)
    finally:
        redis_server.start()
    assert TWICE([], [6], line) == 12
    line.close()


@pytest.mark.once
def test_a_connection_that_was_lost_often_is_still_made_anew(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pool counts what it makes for good, and makes 100 by itself: a process was deaf after a Redis that was away for half a minute.

    An address may ask for fewer, and for another protocol.
    """
    layer = RedisChannelLayer(hosts=[f"{redis_server.url}&max_connections=1&protocol=3"])
    reader, line = layer.reader("changes"), Line()
    monkeypatch.setattr(redis_client().connection_pool, "max_connections", 1)
    for number in range(3):
        reader.join()
        assert TWICE([], [number], line) == 2 * number
        line.close()
    redis_server.own_client.publish("asgi__group__changes", "heard")
    assert reader.wait(5) == [b"heard"]
    reader.leave()
