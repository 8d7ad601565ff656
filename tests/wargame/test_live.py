"""The sockets of the battle page: who may open them, what they send, and that nothing is missed."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import Client

from scripting.processes import sending
from tests.support.stack import wait_until
from tests.wargame.conftest import Duel
from tests.wargame.entries import logged
from tests.wargame.sockets import Socket
from wargame import audience
from wargame.battle import start_battle
from wargame.consumers import FORBIDDEN, UNKNOWN
from wargame.live import Announcer, announcer
from wargame.models import LogKind

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def public(settings: Any) -> None:
    settings.WARGAME_PUBLIC = True


@sync_to_async
def add(duel: Duel, text: str) -> None:
    duel.game.refresh_from_db()
    logged(duel.game, LogKind.TURN, text)


async def test_the_feed_begins_with_the_state_and_goes_on_with_each_notice(duel: Duel) -> None:
    feed = Socket(f"/ws/wargame/{duel.game.pk}/feed/")
    assert await feed.open()
    first = await feed.read()
    assert first["type"] == "state"
    assert len(first["units"]) == 2
    await add(duel, "something happened")
    announcer.tell(duel.game.pk, 1)
    update = await feed.read()
    assert (update["type"], update["sequence"]) == ("update", 1)
    await feed.leave()


async def test_what_a_page_says_is_not_even_read(duel: Duel) -> None:
    feed = Socket(f"/ws/wargame/{duel.game.pk}/feed/")
    assert await feed.open()
    assert (await feed.read())["type"] == "state"
    for said in ({"text": "no json"}, {"text": "[" * 60_000}, {"bytes": b"\xff"}):
        await feed.send_input({"type": "websocket.receive", **said})
    await add(duel, "something happened")
    announcer.tell(duel.game.pk, 1)
    assert (await feed.read())["type"] == "update"
    await feed.leave()


async def test_a_page_that_comes_back_gets_what_it_missed(duel: Duel) -> None:
    for number in range(1, 5):
        await add(duel, f"entry {number}")
    for kind in ("feed", "html"):
        connection = Socket(f"/ws/wargame/{duel.game.pk}/{kind}/?since=2")
        assert await connection.open()
        message = await connection.read()
        if kind == "feed":
            assert [entry["text"] for entry in message["entries"]] == ["entry 3", "entry 4"]
        else:
            log = next(f for f in message["fragments"] if f["target"] == "log")
            assert log["mode"] == "prepend"
            assert log["html"].index("entry 4") < log["html"].index("entry 3")
            assert "entry 2" not in log["html"]
        await connection.leave()


async def test_html_for_a_page_that_shows_nothing_yet_is_the_whole_battle(duel: Duel) -> None:
    connection = Socket(f"/ws/wargame/{duel.game.pk}/html/")
    assert await connection.open()
    message = await connection.read()
    assert [f["target"] for f in message["fragments"]] == ["map", "score", "now", "verdict", "card", "rosters", "log"]
    await connection.leave()


async def test_the_feed_of_a_finished_battle_names_the_next(duel: Duel) -> None:
    feed = Socket(f"/ws/wargame/{duel.game.pk}/feed/")
    assert await feed.open()
    await feed.read()

    @sync_to_async
    def end_and_begin() -> int:
        duel.game.finish(None, "over")
        return start_battle().pk

    following = await end_and_begin()
    while (update := await feed.read())["next"] is None:
        pass  # the battle is over, and the next one not begun
    assert update["next"] == following
    await feed.leave()


@pytest.mark.parametrize("origin", ["http://elsewhere.example", None])
async def test_other_origins_are_refused(duel: Duel, origin: str | None) -> None:
    assert not await Socket(f"/ws/wargame/{duel.game.pk}/feed/", origin=origin).open()


async def test_where_the_battle_is_not_public_the_sockets_take_the_permission(duel: Duel, settings: Any) -> None:
    settings.WARGAME_PUBLIC = False
    for kind in ("feed", "html"):
        refused = Socket(f"/ws/wargame/{duel.game.pk}/{kind}/")
        assert await refused.open()
        assert await refused.close_code() == FORBIDDEN

    @sync_to_async
    def chief() -> str:
        client = Client()
        client.force_login(User.objects.create_superuser("chief"))
        return f"sessionid={client.cookies['sessionid'].value}"

    feed = Socket(f"/ws/wargame/{duel.game.pk}/feed/", cookie=await chief())
    assert await feed.open()
    assert (await feed.read())["type"] == "state"
    await feed.leave()


async def test_a_game_that_does_not_exist_closes_the_socket(db: None) -> None:
    nowhere = Socket("/ws/wargame/4711/feed/")
    assert await nowhere.open()
    assert await nowhere.close_code() == UNKNOWN


async def test_without_a_notice_the_page_is_only_a_look_behind(duel: Duel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "LOOK_SECONDS", 0.05)
    feed = Socket(f"/ws/wargame/{duel.game.pk}/feed/")
    assert await feed.open()
    await feed.read()
    await add(duel, "nobody told")
    assert (await feed.read())["sequence"] == 1
    await feed.leave()


def test_telling_the_pages_never_waits_for_a_redis_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, sent = threading.Event(), list[Any]()

    def deliver(notices: list[tuple[str, dict[str, Any]]]) -> None:
        answers.wait()
        sent.append(notices[-1][1]["sequence"])

    monkeypatch.setattr(sending, "deliver", deliver)
    ours = Announcer()

    def tell() -> None:
        for sequence in range(100):
            ours.tell(4711, sequence)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    teller.join(60)
    waits = teller.is_alive()
    answers.set()
    wait_until(lambda: sent[-1:] == [99])
    assert not waits
    assert len(sent) <= 2, "of several about one game only the latest is sent"
