"""Commands while Redis is unavailable: what needs it says where it was looked for and what to do, the rest goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scripting.sources import sync
from tests.support.game import Game
from tests.support.redis import RedisServer


@pytest.fixture
def without_redis(game: Game, transactional_db: None, redis_server: RedisServer) -> RedisServer:
    game.ship("dice")
    sync.sync()
    redis_server.stop()
    return redis_server


@pytest.mark.parametrize(
    "arguments",
    [
        ("dead_letters",),
        ("dead_letters", "--json"),
        ("dead_letters", "--delete", "all"),
        ("dead_letters", "--put-back", "1-1"),
        ("publish_event", "chess_club.roll", '{"sides": 6}'),
    ],
)
def test_what_needs_redis_says_where_it_was_looked_for_and_what_to_do(
    without_redis: RedisServer, manage: Callable, arguments: tuple[str, ...]
) -> None:
    ran = manage(*arguments)
    assert (ran.code, ran.out) == (1, "")
    assert f"Redis does not answer at {without_redis.socket}: start it with `make run`, or set REDIS_URL" in ran.err


def test_the_director_says_so_too(redis_server: RedisServer, manage: Callable) -> None:
    redis_server.stop()
    ran = manage("play_wargame", "--once")
    assert (ran.code, ran.out) == (1, "")
    assert f"Redis does not answer at {redis_server.socket}: start it with `make run`" in ran.err


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("list_scripts",),
        ("list_topics",),
        ("check_scripts",),
        ("sync_scripts",),
        ("extract_scripts",),
        ("prune_executions",),
        ("run_script", "chess_club/dice"),
        ("rollback_script", "chess_club/dice", "1", "-m", "again"),
    ],
)
def test_what_needs_no_redis_goes_on_without_it(
    without_redis: RedisServer, manage: Callable, arguments: tuple[str, ...]
) -> None:
    ran = manage(*arguments)
    assert (ran.code, "Traceback" in ran.err) == (0, False), ran.err


def test_the_address_of_redis_is_told_without_its_password(game: Game, manage: Callable, settings) -> None:
    settings.SCRIPTING_REDIS_URL = "redis://me:opensesame@127.0.0.1:1/0"
    ran = manage("dead_letters")
    assert "does not answer at 127.0.0.1:1" in ran.err
    assert "opensesame" not in ran.err


def test_what_redis_refuses_is_told_as_such(game: Game, manage: Callable) -> None:
    ran = manage("dead_letters", "--delete", f"{'9' * 20}-1")
    assert ran.code == 1
    assert "refused: " in ran.err
    assert "Traceback" not in ran.err
