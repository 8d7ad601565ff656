"""The pages of one battle in one process: one look per change, differences that add up to the whole, and nothing left of those who left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.db import DatabaseError

from scripting.processes import groups
from tests.support.redis import RedisServer
from tests.wargame.conftest import Duel
from tests.wargame.entries import logged
from tests.wargame.sockets import PATIENCE, Socket
from wargame import audience
from wargame.audience import audience_of
from wargame.consumers import GameFeedSocket
from wargame.live import announcer, group_of
from wargame.look import Look, look_at
from wargame.models import LogKind

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def public(settings: Any) -> None:
    settings.WARGAME_PUBLIC = True


def hit(duel: Duel, health: int) -> None:
    """A change of one unit and of the log."""
    duel.squad.health = health
    duel.squad.save()
    duel.game.refresh_from_db()
    logged(duel.game, LogKind.DAMAGE, f"down to {health}")


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - Redis does not say by itself who is subscribed
            await asyncio.sleep(0.01)


async def test_many_pages_cost_one_look_and_one_text_per_change(duel: Duel, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Look | None] = []

    def counted(game_id: int, before: Look | None) -> Look | None:
        looks.append(look_at(game_id, before))
        return looks[-1]

    monkeypatch.setattr(audience, "look_at", counted)
    pages = [Socket(f"/ws/wargame/{duel.game.pk}/{kind}/") for kind in ("feed", "html") * 4]
    for page in pages:
        assert await page.open()
        await page.read()
    before = len({id(look) for look in looks})
    await sync_to_async(hit)(duel, 5)
    announcer.tell(duel.game.pk, 1)
    assert [(await page.read())["sequence"] for page in pages] == [1] * 8
    assert len({id(look) for look in looks}) == before + 1
    assert looks[-1] is not None
    assert len(looks[-1].texts) == 2
    for page in pages:
        await page.leave()


def test_the_differences_add_up_to_the_whole(duel: Duel) -> None:
    shown = look_at(duel.game.pk, None)
    assert shown is not None
    state = json.loads(shown.feed(None))
    parts = {one["target"]: one["html"] for one in json.loads(shown.html(None))["fragments"]}
    log = ""
    for health in (9, 7, 4):
        hit(duel, health)
        look = look_at(duel.game.pk, shown)
        assert look is not None
        update, html = json.loads(look.feed_after(shown)), json.loads(look.html_after(shown))
        assert [unit["id"] for unit in update["units"]] == [duel.squad.code]
        assert "map" not in update
        units = {unit["id"]: unit for unit in [*state["units"], *update["units"]]}
        state |= update | {"units": [*units.values()]}
        for one in html["fragments"]:
            parts[one["target"]] = one["html"] if one["mode"] == "replace" else one["html"] + parts[one["target"]]
        told = {one["target"] for one in html["fragments"]}
        assert not told & {"card", "rosters"}  # one is as it was, of the other a unit is told
        log, shown = log + update["entries"][0]["text"], look
    whole = look_at(duel.game.pk, None)
    assert whole is not None
    assert log == "down to 9down to 7down to 4"
    assert state | {"type": "", "entries": []} == json.loads(whole.feed(None)) | {"type": "", "entries": []}
    drawn = {one["target"]: one["html"] for one in json.loads(whole.html(None))["fragments"]}
    for place in (f"roster-{duel.squad.code}", "living-harbour", "living-ridge"):
        assert f'id="{place}">{parts.pop(place).strip()}<' in drawn["rosters"].replace("\n</li>", "</li>")
    apart = {"map": "", "rosters": ""}  # the map is drawn once, and then moved by the feed
    assert parts | apart == drawn | apart


def test_where_nothing_has_changed_nothing_is_read_or_rendered(duel: Duel, django_assert_num_queries: Any) -> None:
    look = look_at(duel.game.pk, None)
    with django_assert_num_queries(1):
        assert look_at(duel.game.pk, look) is look


async def test_a_page_that_takes_nothing_for_a_while_then_gets_the_newest_state_and_no_queue(duel: Duel) -> None:
    said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    sent: list[dict[str, Any]] = []
    takes = asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            sent.append(json.loads(message["text"]))
            await takes.wait()

    scope = {"type": "websocket", "url_route": {"kwargs": {"game": duel.game.pk}}}
    page = asyncio.create_task(GameFeedSocket()(scope, said.get, send))
    said.put_nowait({"type": "websocket.connect"})
    await until(lambda: sent)
    other = Socket(f"/ws/wargame/{duel.game.pk}/feed/")
    assert await other.open()
    await other.read()
    for number, health in enumerate((9, 7, 4), 1):
        await sync_to_async(hit)(duel, health)
        announcer.tell(duel.game.pk, number)
        assert (await other.read())["sequence"] == number
    takes.set()
    await until(lambda: len(sent) == 2)
    assert [entry["text"] for entry in sent[1]["entries"]] == ["down to 9", "down to 7", "down to 4"]
    assert [unit["health"] for unit in sent[1]["units"]] == [4]
    await other.leave()
    said.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await page
    assert len(sent) == 2


async def test_a_fault_while_rendering_costs_a_page_no_more_than_a_look(
    duel: Duel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(audience, "LOOK_SECONDS", 0.05)
    faults = [KeyError("a template's fault"), DatabaseError("it does not answer")]

    def faulty(game_id: int, before: Look | None) -> Look | None:
        if faults:
            raise faults.pop()
        return look_at(game_id, before)

    monkeypatch.setattr(audience, "look_at", faulty)
    page = Socket(f"/ws/wargame/{duel.game.pk}/feed/")
    assert await page.open()
    assert (await page.read())["type"] == "state"
    assert "cannot read the game: it does not answer" in caplog.text
    assert "a template's fault" in caplog.text
    await page.leave()


@pytest.mark.parametrize("steps", range(4))
async def test_an_audience_ends_with_its_last_page_also_in_the_moment_of_a_notice(duel: Duel, steps: int) -> None:
    here = audience_of(duel.game.pk)
    seat = here.sit(None)
    await seat.newest()
    await until(lambda: here._notice._waiters)  # type: ignore[attr-defined] # it waits for one
    here._hear({})
    for _ in range(steps):
        await asyncio.sleep(0)  # steps of the event loop between the notice and the end
    async with asyncio.timeout(5):
        await here.leave(seat)


@pytest.mark.parametrize("how", ["said", "cut off"])
async def test_nothing_stays_subscribed_when_pages_leave_while_messages_come(
    duel: Duel, redis_server: RedisServer, how: str
) -> None:
    def subscribed() -> set[bytes]:
        return set(redis_server.own_client.pubsub_channels())

    before = await asyncio.to_thread(subscribed)
    pages = [Socket(f"/ws/wargame/{duel.game.pk}/{kind}/") for kind in ("feed", "html") * 5]
    for page in pages:
        assert await page.open()
        await page.read()
    layer = get_channel_layer()
    await until(lambda: len(subscribed() - before) == 2)  # the battle's group, and the process's one channel for it
    ours = subscribed() - before
    for page in pages:
        await layer.group_send(group_of(duel.game.pk), {"type": "game.changed"})
        if how == "said":
            await page.leave()
        else:
            page.future.cancel()
            await asyncio.wait([page.future])
    await until(lambda: not ours & subscribed())


async def test_those_who_follow_a_group_share_a_subscription_and_the_last_gives_it_up(
    db: None, redis_server: RedisServer
) -> None:
    def listening() -> int:
        return len(redis_server.own_client.pubsub_channels("*__group__harbour"))

    heard: list[str] = []
    first, second = (lambda message: heard.append("first")), (lambda message: heard.append("second"))
    await asyncio.gather(groups.follow("harbour", first), groups.follow("harbour", second))
    assert listening() == 1
    await get_channel_layer().group_send("harbour", {"type": "any"})
    await until(lambda: sorted(heard) == ["first", "second"])
    groups.leave("harbour", first)
    await asyncio.sleep(0.05)
    assert listening() == 1
    groups.leave("harbour", second)
    await until(lambda: listening() == 0)
