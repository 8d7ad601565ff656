"""One watcher at a time: what changed while none was there is found, and another takes over from one that dies."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from scripting.models import Activation
from tests.hot_reload.conftest import SOON, Desk, WatcherProcess
from tests.support.redis import RedisServer
from tests.support.stack import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]

ONE = "result = {'damage': 1}\n"
TWO = "result = {'damage': 2}\n"


def test_what_changed_while_no_watcher_was_there_is_taken_at_its_start(
    desk: Desk, start: Callable[..., WatcherProcess]
) -> None:
    default = desk.runs("hit_simulator")
    desk.save("damage_calculator", ONE)
    gone = desk.save("hit_simulator", ONE)
    first = start("first", real=True)
    desk.runs_soon("damage_calculator", ONE)
    desk.runs_soon("hit_simulator", ONE)
    assert first.end() == 0, "it ends cleanly"
    gone.unlink()
    desk.save("damage_calculator", TWO)
    start("second")
    desk.runs_soon("damage_calculator", TWO)
    desk.runs_soon("hit_simulator", default)


def test_of_two_watchers_one_is_active_and_the_other_takes_over_when_it_is_killed(
    desk: Desk, start: Callable[..., WatcherProcess], watcher: WatcherProcess
) -> None:
    start("standby")
    desk.save("damage_calculator", ONE)
    desk.runs_soon("damage_calculator", ONE)
    watcher.end(signal.SIGKILL)
    desk.save("damage_calculator", TWO)
    desk.runs_soon("damage_calculator", TWO)
    script = desk.script("damage_calculator")
    assert script is not None
    assert script.activations.filter(cause=Activation.Cause.FILE).count() == 2, "nothing is taken twice"


def test_a_watcher_that_was_stopped_brings_nothing_old_back(
    desk: Desk, start: Callable[..., WatcherProcess], watcher: WatcherProcess
) -> None:
    watcher.process.send_signal(signal.SIGSTOP)
    desk.save("damage_calculator", ONE)
    start("successor")
    desk.runs_soon("damage_calculator", ONE)
    desk.save("damage_calculator", TWO)
    desk.runs_soon("damage_calculator", TWO)
    watcher.process.send_signal(signal.SIGCONT)
    desk.save("after", ONE)
    desk.runs_soon("after", ONE)
    assert desk.runs("damage_calculator") == TWO
    script = desk.script("damage_calculator")
    assert script is not None
    assert [a.version.text for a in script.activations.order_by("id")[1:]] == [ONE, TWO]  # type: ignore[union-attr]


def test_files_are_taken_though_redis_is_away(desk: Desk, watcher: WatcherProcess, redis_server: RedisServer) -> None:
    redis_server.kill()
    desk.save("damage_calculator", ONE)
    script = desk.script("damage_calculator")
    assert script is not None

    def active() -> str:
        script.refresh_from_db()
        assert script.active_version is not None
        return script.active_version.text

    wait_until(lambda: active() == ONE, SOON)
    redis_server.start()
    desk.save("damage_calculator", TWO)
    wait_until(lambda: active() == TWO, SOON)
