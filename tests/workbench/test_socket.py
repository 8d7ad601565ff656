"""The workbench's socket: who is let in, who is seen, and what is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import asdict

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client

from scripting.models import Script
from scripting.processes import notices
from scripting.workbench import consumers, viewers
from scripting.workbench.consumers import FORBIDDEN, LOGGED_OUT, UNKNOWN
from tests.support.arena import arena_registered, make_script
from tests.support.redis import RedisServer
from tests.wargame.sockets import PATIENCE, Socket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def script() -> Iterator[Script]:
    with arena_registered():
        yield make_script("result = 1\n")


PATH = "/ws/scripts/arena/scorer/"


def cookie_of(name: str, *permissions: str) -> str:
    """The session of a new member of staff with these permissions."""
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


async def opened(name: str) -> Socket:
    """The socket of somebody who may look."""
    found = Socket(PATH, cookie=await sync_to_async(cookie_of)(name, "view_script"))
    assert await found.open()
    return found


async def closes_with(found: Socket) -> int:
    assert await found.open()
    return await found.close_code()


async def shows(found: Socket, **editing: bool) -> None:
    """Wait until the page is told that these people are here, and whether each writes."""
    while True:
        message = await found.read()
        people = message["people"] if message["type"] == "company" else ()
        if {one["user"]: one["editing"] for one in people} == editing:
            return


async def test_only_those_who_may_look_are_let_in(script: Script) -> None:
    nobody = await sync_to_async(cookie_of)("nobody")
    viewer = await sync_to_async(cookie_of)("viewer", "view_script")
    assert await closes_with(Socket(PATH)) == LOGGED_OUT
    assert await closes_with(Socket(PATH, cookie=nobody)) == FORBIDDEN
    assert await closes_with(Socket("/ws/scripts/arena/missing/", cookie=viewer)) == UNKNOWN


async def test_a_page_of_another_site_is_refused(script: Script) -> None:
    viewer = await sync_to_async(cookie_of)("viewer", "view_script")
    assert not await Socket(PATH, cookie=viewer, origin="https://elsewhere.example").open()


async def test_who_comes_writes_and_leaves_is_seen_by_the_others(script: Script) -> None:
    hers = await opened("anna")
    assert (await hers.read())["type"] == "ready"
    his = await opened("ben")
    await shows(hers, anna=False, ben=False)
    for text in ("no json", "[" * 60_000, '"\\ud800"', "17"):
        await his.send_input({"type": "websocket.receive", "text": text})
    await his.send_input({"type": "websocket.receive", "bytes": b"\xff"})
    await his.send_input({"type": "websocket.receive", "text": '{"editing": true}'})
    await shows(hers, anna=False, ben=True)
    await his.leave()
    await shows(hers, anna=False)
    await hers.leave()


async def test_a_new_version_is_told_to_open_pages(script: Script) -> None:
    page = await opened("anna")
    assert (await page.read())["type"] == "ready"
    await sync_to_async(make_script)("result = 2\n")
    while (message := await page.read())["type"] != "notice":
        pass
    assert (message["script"], message["kind"], message["number"]) == ("scorer", "activated", 2)
    await page.leave()


async def test_the_tree_is_told_of_every_script_and_only_to_those_who_may_look(script: Script) -> None:
    nobody = await sync_to_async(cookie_of)("nobody")
    assert await closes_with(Socket("/ws/scripts/")) == LOGGED_OUT
    assert await closes_with(Socket("/ws/scripts/", cookie=nobody)) == FORBIDDEN
    page = Socket("/ws/scripts/", cookie=await sync_to_async(cookie_of)("anna", "view_script"))
    assert await page.open()
    assert (await page.read())["type"] == "ready"
    await sync_to_async(make_script)("result = 3\n", "another")
    while (message := await page.read())["kind"] != "activated":
        assert message["type"] == "notice"
    assert (message["module"], message["script"], message["reason"]) == ("arena", "another", "for a test")
    await page.leave()


async def test_pages_that_leave_while_notices_come_leave_no_subscription(
    script: Script, redis_server: RedisServer
) -> None:
    cookie = await sync_to_async(cookie_of)("anna", "view_script")
    pages = [Socket(path, cookie=cookie) for path in (PATH, "/ws/scripts/") * 3]
    before = set(redis_server.own_client.pubsub_channels())
    for page in pages:
        assert await page.open()
        assert (await page.read())["type"] == "ready"
    followed = {notices.GROUP, viewers.group_of("arena", "scorer")}
    assert {name.decode().partition("__group__")[2] for name in redis_server.own_client.pubsub_channels()} >= followed
    for number, page in enumerate(pages):
        await sync_to_async(notices.send)(notices.changed(script))
        if number % 2:
            await page.leave()
        else:
            page.future.cancel()  # as when the server ends
            await asyncio.wait([page.future])
    async with asyncio.timeout(PATIENCE):
        while set(redis_server.own_client.pubsub_channels()) - before:  # noqa: ASYNC110 - Redis does not say it by itself
            await asyncio.sleep(0.01)


async def test_a_page_that_takes_no_notice_is_sent_away_instead_of_having_them_kept(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "HEARD_AT_MOST", 2)
    page = await opened("anna")
    assert (await page.read())["type"] == "ready"
    layer = get_channel_layer()
    for _ in range(50):
        await layer.group_send(notices.GROUP, {"type": "scripting.notice", **asdict(notices.changed(script))})
    while (said := await page.receive_output(PATIENCE))["type"] == "websocket.send":
        pass
    assert (said["type"], said["code"]) == ("websocket.close", consumers.LATER)
    await page.leave()


def test_a_page_that_is_not_heard_of_fades(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    viewers.announce("arena", "scorer", "page-1", "anna", editing=True, since=time.time())
    viewers.announce("arena", "scorer", "page-2", "anna", editing=False, since=time.time())
    assert [(one["user"], one["editing"], one["pages"]) for one in viewers.people_on("arena", "scorer")] == [
        ("anna", True, 2)
    ]
    monkeypatch.setattr(viewers, "FADE_SECONDS", -1.0)
    assert viewers.people_on("arena", "scorer") == []
