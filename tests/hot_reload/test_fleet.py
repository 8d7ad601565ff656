"""Running processes take a new version, acknowledge it, and never run an older one afterwards (requirements 5.2 and 5.5)."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from scripting.hot_reload import fleet
from scripting.hot_reload.listener import Listener
from scripting.models import Script
from scripting.processes import generation, notices, sending
from scripting.processes import members as processes
from scripting.processes.notices import Notice
from scripting.registry import knobs, lifecycle, publishing
from scripting.registry.active import registry
from scripting.supervisor.replaced import MOST_RESTING
from tests.support.arena import Arena, make_script
from tests.support.member import Member, members, wait_for_version
from tests.support.processes import own_processes
from tests.support.redis import RedisServer
from tests.support.stack import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]

SCORER = "arena/scorer"


def publish(number: int) -> Script:
    return make_script(f"result = {{'points': {number}}}")


def test_every_process_acknowledges_a_published_version_and_runs_it_without_compiling(
    arena: Arena, tmp_path: Path
) -> None:
    publish(1)
    with members(tmp_path, 3) as running:
        wait_for_version(SCORER, 1, 3)
        assert all(member.ask("run")[1] == 1 for member in running)
        publish(2)
        wait_for_version(SCORER, 2, 3)
        for member in running:
            wait_until(lambda member=member: member.ask("is_warm"), 60)
            _, number, compile_us = member.ask("run")
            assert number == 2
            assert compile_us == 0, "its sandbox was made ready beforehand"
            assert [script for script, _ in member.ask("told")] == ["scorer", "scorer"], (
                "once at the start, once for v2"
            )
        wait_until(lambda: _noticed(running), 60, "changes are found by looking alone")
        assert len(processes.everyone()) == 3
    assert processes.everyone() == [], "who ends cleanly is listed no longer"


@pytest.mark.once
def test_twelve_changes_leave_a_process_few_sandboxes_and_what_was_replaced_still_runs(
    arena: Arena, tmp_path: Path
) -> None:
    publish(1)
    with Member(tmp_path) as member:
        wait_for_version(SCORER, 1, 1)
        for number in range(2, 14):
            assert member.ask("run")[1] == number - 1
            script = publish(number)
            wait_for_version(SCORER, number, 1)
        wait_until(lambda: member.ask("is_warm"), 60)
        few = 2 + MOST_RESTING  # the new one, those that rest, one about to go
        wait_until(lambda: member.ask("sandboxes") <= few, 60)
        publishing.rollback(script, 8, actor=None, reason="back")
        wait_for_version(SCORER, 8, 1)
        assert member.ask("run")[1] == 8
        make_script("result = {'points': 1 / 0}")
        wait_for_version(SCORER, 14, 1)
        assert member.ask("decided_by") == 8
        wait_until(lambda: member.ask("sandboxes") <= 1 + MOST_RESTING, 60)


@pytest.mark.once
def test_process_1_of_three_containers_on_one_host_counts_as_three(arena: Arena, tmp_path: Path) -> None:
    publish(1)
    with ExitStack() as stack:
        running = [stack.enter_context(Member(tmp_path, under=own_processes())) for _ in range(3)]
        wait_for_version(SCORER, 1, 3)
        listed = processes.everyone()
        assert {process.name for process in listed} == {member.name for member in running}
        assert len({process.name for process in listed}) == 3
        assert all(process.name.startswith(f"{process.host}:1.") for process in listed)
        assert len({process.host for process in listed}) == 1
        assert len({process.container for process in listed} - {""}) == 3
        loading = fleet.loaded_by(publish(2))
        assert loading is not None
        assert len(loading.processes) == 3, "each counts, however many have it by now"
        wait_for_version(SCORER, 2, 3)
        assert str(fleet.loaded_by(Script.objects.get(name="scorer"))) == "3 of 3 on v2"
        running[0].end()
        wait_until(lambda: len(processes.everyone()) == 2, 20)


@pytest.mark.once
def test_every_process_acknowledges_values_of_knobs_as_it_does_a_text(arena: Arena, tmp_path: Path) -> None:
    script = make_script("points = 1  # knob 0..9: of a hit\nresult = {'points': points}\n")
    with members(tmp_path, 2) as running:
        wait_for_version(SCORER, 1, 2)
        assert all(member.ask("run")[1] == 1 for member in running)
        knobs.publish(script, {"points": 7}, actor=None, reason="more")
        wait_until(lambda: everywhere(script), 60, "every process has them")
        for member in running:
            wait_until(lambda member=member: member.ask("is_warm"), 60)
            assert member.ask("run")[1:] == [1, 0], "one text, compiled beforehand"
        knobs.rollback(script, 0, actor=None, reason="back")
        wait_until(lambda: everywhere(script), 60, "every process is back")


def everywhere(script: Script) -> bool:
    """Whether every process has acknowledged the bundle that is live."""
    loading = fleet.loaded_by(script)
    return loading is not None and loading.is_everywhere


@pytest.mark.once
def test_a_dropped_notice_is_made_up_for_by_looking(arena: Arena, tmp_path: Path) -> None:
    publish(1)
    with Member(tmp_path) as member:
        wait_for_version(SCORER, 1, 1)
        member.ask("deafen")
        publish(2)
        wait_for_version(SCORER, 2, 1)
        assert member.ask("run")[1] == 2
        publish(3)
        wait_until(lambda: member.ask("missed"), 60)


@pytest.mark.once
def test_the_next_run_is_on_the_new_version_though_no_notice_came(arena: Arena, tmp_path: Path) -> None:
    publish(1)
    with Member(tmp_path, SCRIPTING_GENERATION_MAX_AGE="1ms") as member:
        wait_for_version(SCORER, 1, 1)
        member.ask("deafen")
        for number in range(2, 12):
            publish(number)
            assert member.ask("run")[1] == number


@pytest.mark.once
def test_after_redis_was_away_every_process_lists_itself_and_takes_what_changed(
    arena: Arena, tmp_path: Path, redis_server: RedisServer
) -> None:
    publish(1)
    with members(tmp_path, 2) as running:
        wait_for_version(SCORER, 1, 2)
        redis_server.kill()
        publish(2)
        redis_server.start()
        redis_server.client().flushall()  # and it came back empty
        wait_for_version(SCORER, 2, 2)
        assert {process.name for process in processes.everyone()} == {member.name for member in running}
        wait_until(lambda: _noticed(running), 60, "they did not join the group again")


def _noticed(running: list[Member]) -> bool:
    """Whether a change now reaches them by notice."""
    before = [member.ask("missed") for member in running]
    number = publish(100 + len(before) + registry.mark()).active_version.number  # type: ignore[union-attr]
    wait_for_version(SCORER, number, len(running))
    return [member.ask("missed") for member in running] == before


@pytest.mark.once
def test_a_stopped_process_is_shown_stale_then_catches_up_before_its_next_run(arena: Arena, tmp_path: Path) -> None:
    script = publish(1)
    with members(tmp_path, 2) as (one, other):
        wait_for_version(SCORER, 1, 2)
        other.ask("run")
        other.stop()
        publish(2)
        wait_for_version(SCORER, 2, 1)
        script.refresh_from_db()

        def now() -> fleet.Loading:
            active = registry.resolve("arena", "scorer").active
            return fleet.loading(SCORER, active.info.number, active.bundle.digest)

        wait_until(lambda: str(now()).startswith("1 of 2 on v2, one stale since "), 60)
        assert [process.name for process in now().current] == [one.name]
        other.tell("run")
        other.go_on()
        assert other.heard()[1] == 2
        wait_until(lambda: str(now()) == "2 of 2 on v2", 60)


@pytest.mark.once
def test_a_retired_script_is_loaded_by_nobody_and_a_disabled_one_is_known_as_such(arena: Arena, tmp_path: Path) -> None:
    script = publish(1)
    with Member(tmp_path) as member:
        wait_for_version(SCORER, 1, 1)
        lifecycle.retire(script, actor=None, reason="gone")
        wait_until(lambda: not processes.everyone()[0].loaded, 60)
        lifecycle.bring_back(script, actor=None, reason="missed")
        wait_for_version(SCORER, 1, 1)
        assert member.ask("run")[1] == 1


@pytest.mark.once
def test_a_process_that_was_killed_is_shown_stale_and_then_no_longer(arena: Arena, tmp_path: Path, monkeypatch) -> None:
    publish(1)
    with Member(tmp_path) as member:
        wait_for_version(SCORER, 1, 1)
        member.process.kill()
        member.process.wait()
    assert [process.name for process in processes.everyone()] == [member.name]
    monkeypatch.setattr(processes, "KEEP_SECONDS", 1)
    survivor = processes.Membership("web")

    def struck() -> bool:
        survivor.beat()
        return [process.kind for process in processes.everyone()] == ["web"]

    wait_until(struck, 60)
    survivor.leave()


def test_no_run_that_begins_after_an_acknowledgement_is_on_an_older_version(arena: Arena, tmp_path: Path) -> None:
    publish(1)
    changes, runs_wanted = 40, 1000
    acknowledged: dict[str, list[tuple[float, int]]] = {}
    with members(tmp_path, 2) as running:
        wait_for_version(SCORER, 1, 2)
        for member in running:
            member.ask("spin")
        for number in range(2, 2 + changes):
            publish(number)
            wait_for_version(SCORER, number, 2)
            for process in processes.everyone([SCORER]):
                loaded = process.loaded[SCORER]
                acknowledged.setdefault(process.name, []).append((loaded.at, loaded.number))
        wait_until(lambda: sum(member.ask("count") for member in running) >= runs_wanted, 120)
        for member in running:
            runs = member.ask("runs")
            assert len({number for _, number, _ in runs}) > 1
            told = iter([*acknowledged[member.name], (float("inf"), 0)])
            at, newest = next(told)
            floor = 0
            for started, number, _ in runs:
                while at <= started:
                    floor = newest
                    at, newest = next(told)
                assert number >= floor, f"v{number} ran after v{floor} had been acknowledged"


def test_a_change_that_was_followed_is_not_looked_for_again() -> None:
    listener = Listener("worker", heartbeat=False)
    listener._started, listener._followed = True, (b"epoch", b"5")
    quiet = listener._look_at()
    listener._call(5)
    assert listener._look_at() == quiet
    listener._call(6)
    assert listener._called_at is not None, "its notice may be lost"
    listener._answer_calls(6)
    assert listener._look_at() == quiet
    listener._call()
    listener._answer_calls(7)
    assert listener._called_at is not None, "nobody knows for which change"


def test_processes_are_told_of_a_change_before_pages_are_and_they_alone_what_it_carries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[tuple[str, str]] = []
    told = lambda messages, _what: sent.extend((group, message["carried"]) for group, message in messages)  # noqa: E731
    monkeypatch.setattr(sending, "send", told)
    notices.spread(Notice(notices.ACTIVATED, "arena", "scorer", 2, carried="sealed"), (b"epoch", b"6"))
    assert sent == [(notices.PROCESSES, "sealed"), (notices.GROUP, "")]


@pytest.mark.once
def test_a_change_that_was_just_made_is_given_time_for_its_notice_before_everything_is_read(arena: Arena) -> None:
    listener = Listener("worker", heartbeat=False)
    listener._started = listener._subscription.is_told = True
    listener._followed = generation.bump()
    generation.bump()
    assert not listener._look(), "its notice may be on its way"
    assert listener._called_at is not None, "it is looked for again soon"
    assert listener._look(), "its notice did not come"
    epoch, _ = listener._followed or ()
    listener._followed = (epoch, b"7")
    assert listener._look(), "a Redis that came back with an older counter has no notice on its way"
    listener.member.leave()


@pytest.mark.once
def test_a_mark_that_was_read_before_the_last_notice_has_nobody_look(arena: Arena) -> None:
    script = publish(1)
    listener = Listener("worker", heartbeat=False)
    listener.step(0)
    mark = registry.mark()
    assert mark is not None
    changed = replace(notices.activated(script, None, "publish", None, "why"), change=mark + 1)
    listener._pass_marks([changed])
    listener._answer_calls()
    listener._heard(listener._followed, mark)  # type: ignore[arg-type]
    assert listener._called_at is None, "who reads it for all has not read it since"
    listener._heard(listener._followed, mark + 2)  # type: ignore[arg-type]
    assert listener._called_at is not None
    listener.member.leave()
