"""A page that stays open: it is told nothing more once its session, or the permission, is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.test import Client

from scripting.models import Script
from scripting.workbench import consumers, viewers
from scripting.workbench.consumers import FORBIDDEN, LOGGED_OUT, NO_REDIS
from tests.support.arena import arena_registered, make_script
from tests.support.redis import RedisServer
from tests.wargame.sockets import PATIENCE, Socket

pytestmark = pytest.mark.django_db(transaction=True)

WORKBENCH, TREE = "/ws/scripts/arena/scorer/", "/ws/scripts/"


@pytest.fixture
def script() -> Iterator[Script]:
    with arena_registered():
        yield make_script("result = 1\n")


@pytest.fixture
def browser() -> Client:
    """The browser of anna, who may look."""
    user = User.objects.create_user("anna", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_script"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "JUDGED_SECONDS", 0.0)


async def opened(browser: Client, path: str) -> Socket:
    """A page's socket, by which it has been told all there is to tell so far."""
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
    found = Socket(path, cookie=cookie)
    assert await found.open()
    assert (await found.read())["type"] == "ready"
    if path == WORKBENCH:
        assert [one["user"] for one in (await found.read())["people"]] == ["anna"]
    return found


def end_sessions() -> None:
    Session.objects.all().delete()


def take_the_permission() -> None:
    User.objects.get(username="anna").user_permissions.clear()


def deactivate() -> None:
    User.objects.update(is_active=False)


def change_the_password() -> None:
    user = User.objects.get(username="anna")
    user.set_password("another")
    user.save()


@pytest.mark.parametrize("path", [WORKBENCH, TREE])
async def test_a_logout_closes_the_pages_of_its_session_at_once_and_no_others(
    script: Script, browser: Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(viewers, "RENEW_SECONDS", 3600.0)  # no look of its own finds it
    elsewhere = Client()
    await sync_to_async(elsewhere.force_login)(await User.objects.aget(username="anna"))
    there = await opened(elsewhere, TREE)
    page = await opened(browser, path)
    await sync_to_async(browser.post)("/admin/logout/")
    assert await page.close_code() == LOGGED_OUT
    await page.leave()
    assert await sync_to_async(viewers.people_on)("arena", "scorer") == [], "who logged out is not seen as looking"
    await sync_to_async(make_script)("result = 2\n")
    assert (await there.read())["type"] == "notice"
    await there.leave()


@pytest.mark.slow
@pytest.mark.parametrize("path", [WORKBENCH, TREE])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (end_sessions, LOGGED_OUT),
        (change_the_password, LOGGED_OUT),
        (deactivate, LOGGED_OUT),
        (take_the_permission, FORBIDDEN),
    ],
)
async def test_a_notice_is_not_told_to_who_may_look_no_longer(
    script: Script, browser: Client, asked_each_time: None, path: str, change: Callable[[], None], code: int
) -> None:
    page = await opened(browser, path)
    await sync_to_async(change)()
    await sync_to_async(make_script)("result = 2\n")
    assert await page.close_code() == code
    await sync_to_async(make_script)("result = 3\n")
    assert await page.receive_nothing(), "a closed socket is sent nothing more"
    await page.leave()


@pytest.mark.parametrize("path", [WORKBENCH, TREE])
async def test_a_page_that_hears_of_nothing_is_closed_at_its_next_renewal(
    script: Script, browser: Client, asked_each_time: None, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(viewers, "RENEW_SECONDS", 0.01)
    page = await opened(browser, path)
    await sync_to_async(take_the_permission)()
    while (said := await page.receive_output(PATIENCE))["type"] == "websocket.send":
        pass  # a workbench is told at each renewal who is here
    assert (said["type"], said["code"]) == ("websocket.close", FORBIDDEN)
    await page.leave()


async def test_many_notices_in_a_row_ask_the_database_once(
    script: Script, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "JUDGED_SECONDS", 3600.0)
    page = await opened(browser, TREE)
    await sync_to_async(end_sessions)()
    for number in range(2, 5):
        await sync_to_async(make_script)(f"result = {number}\n")
        assert (await page.read())["type"] == "notice"
    await page.leave()


@pytest.mark.slow
async def test_while_redis_is_away_a_page_is_told_so_when_it_comes_and_while_it_is_open(
    script: Script, browser: Client, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "LOOK_SECONDS", 0.01)
    page = await opened(browser, TREE)
    redis_server.kill()
    assert await page.close_code() == NO_REDIS
    await page.leave()
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
    for path in (TREE, WORKBENCH):
        late = Socket(path, cookie=cookie)
        assert await late.open()
        assert await late.close_code() == NO_REDIS
    redis_server.start()
    page = await opened(browser, WORKBENCH)
    await page.leave()


def test_while_redis_is_away_it_is_said_that_nobody_knows_who_has_a_version(
    script: Script, browser: Client, redis_server: RedisServer
) -> None:
    known = {"number": 1, "loaded": 0, "of": 0, "waiting": [], "known": True}
    assert browser.get("/scripts/arena/scorer/api/live").json() == known
    redis_server.kill()
    assert browser.get("/scripts/arena/scorer/api/live").json() == known | {"known": False}
