"""Modules share the workers: one with many events waiting keeps no other one waiting for long."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from scripting.bus import drain_queue, publishing, streams
from scripting.bus.drain import DrainResult
from scripting.bus.publishing import Message
from scripting.bus.streams import Stream
from scripting.modules.installed import modules
from scripting.modules.scriptable import ModuleScriptConfig
from scripting.workers import drain_job
from tests.support.arena import arena_registered, make_script


def wait(module: str, *shards: int) -> None:
    for shard in shards:
        stream = Stream(module, shard)
        for each, job in streams.append([(stream, b"entry")]):
            drain_queue.enqueue_drain(each, job)


def turns(count: int, shares: dict[str, float], over: Callable[[str], float] = lambda _module: 0.0) -> str:
    """The first letters of the modules whose turn it was."""
    taken, had = "", ""
    for _ in range(count):
        stream = streams.take_job(shares, 0.25, had, over(had))
        assert stream is not None
        had = stream.module
        taken += had[0]
    return taken


def test_modules_take_turns_and_a_new_one_is_next() -> None:
    wait("flooded", *range(30))
    assert turns(5, {"flooded": 1, "other": 1}) == "fffff"
    wait("other", *range(5))
    assert turns(6, {"flooded": 1, "other": 1}) in ("ofofof", "fofofo")


def test_a_module_has_its_share_of_the_time() -> None:
    wait("flooded", *range(60))
    wait("other", *range(60))
    assert turns(40, {"flooded": 1, "other": 3}).count("o") == 30
    assert turns(20, {"flooded": 1, "other": 1}).count("o") == 10


def test_short_turns_count_by_their_time() -> None:
    wait("flooded", *range(60))
    wait("other", *range(60))
    quick = turns(40, {}, lambda module: -0.2 if module == "other" else 0.0)  # 0.05 s each
    assert 28 <= quick.count("o") <= 35


def test_one_module_alone_has_all_turns_in_the_order_of_its_jobs() -> None:
    wait("flooded", 3, 1, 2)
    assert [streams.take_job({}, 0.25) for _ in range(4)] == [*(Stream("flooded", shard) for shard in (3, 1, 2)), None]


class Enough(Exception):
    """The slices that the test looks at are over."""


@pytest.mark.usefixtures("track")
def test_an_event_behind_a_flood_of_another_module_is_done_after_a_slice_or_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drained: list[str] = []

    def empty_slice(stream: Stream, seconds: float | None = None, **_turn: Any) -> DrainResult:
        if len(drained) == 4:
            raise Enough
        drained.append(stream.module)
        parts = dataclasses.replace(drain_job.parts(), stopping=lambda: True)
        return drain_job.drain_stream(stream, "tester", parts)

    monkeypatch.setattr(drain_job, "drain_once", empty_slice)
    with arena_registered():
        make_script("result = {'points': 1}\n")
        publishing.publish_many(Message("track.lap", {"lap": lap}, key=f"runner {lap % 64}") for lap in range(2000))
        publishing.publish("arena.hit", {"points": 1}, key="ann")
        queue = drain_queue.drain_queue()
        first = queue.get_jobs()[0]
        queue.connection.lpop(queue.key)  # as RQ's worker takes it
        with pytest.raises(Enough):
            drain_job.drain(*first.args)
    assert drained[0] == "track"
    assert "arena" in drained[:3]


def test_a_share_is_a_number_above_zero() -> None:
    with pytest.raises(ValueError, match="share: must be between"):
        ModuleScriptConfig(share=0)
    assert all(module.config.share == 1 for module in modules)
