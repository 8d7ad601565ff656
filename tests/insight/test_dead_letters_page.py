"""Dead letters: seen by who may, shown so that nothing of them acts, put back to run once, deleted for good; all of it on record."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from scripting.bus import dead_letters, publishing, streams
from scripting.bus.streams import Stream
from scripting.models import Execution
from scripting.workers import drain_job
from tests.insight.runs import publish, set_aside
from tests.support.game import Game

pytestmark = pytest.mark.django_db(transaction=True)
LETTERS = "admin:scripting_execution_letters"
SECRET = {"sides": 6, "secret": "hunter2"}


def an_event(**changes: Any) -> bytes:
    return publishing.make_event("chess_club.roll", SECRET, key="ada", **changes).encode()


def url(name: str, letter: str) -> str:
    return reverse(f"admin:scripting_execution_{name}", args=[letter])


def drained() -> None:
    for condition in streams.conditions():
        drain_job.drain(condition.stream.module, condition.stream.shard)


def test_a_letter_put_back_runs_once_and_is_gone(game: Game, boss: Client) -> None:
    publish(game, "result = 1\n")
    envelope = an_event()
    letter = set_aside("chess_club:0", envelope)
    again = set_aside("chess_club:0", envelope)
    address = url("letter_put_back", letter)
    assert "chess_club.roll" in boss.get(address).content.decode()
    assert dead_letters.count() == 2, "a question changes nothing"
    page = boss.post(address, follow=True).content.decode()
    assert "back in its stream" in page
    assert "someone else has seen to it" in boss.post(address, follow=True).content.decode()
    boss.post(url("letter_put_back", again))
    drained()
    assert Execution.objects.get().status == "succeeded"
    assert dead_letters.count() == 0
    assert LogEntry.objects.order_by("pk")[0].change_message.startswith(
        f"put dead letter {letter} of chess_club:0, event"
    )


def test_an_event_of_the_outbox_goes_to_every_stream_that_waits_for_it(game: Game, boss: Client) -> None:
    publish(game, "result = 1\n")
    boss.post(url("letter_put_back", set_aside("outbox", an_event(event_id="e1"))))
    drained()
    assert Execution.objects.get().event_id == "e1"


def test_what_is_no_event_is_shown_as_bytes_and_cannot_be_put_back(game: Game, boss: Client) -> None:
    letter = set_aside("chess_club:0", b"\xff<script>alert(1)</script>", "no envelope: <b>\u202e\x1b[31m")
    listed = boss.get(reverse(LETTERS)).content.decode()
    page = boss.get(url("letter", letter)).content.decode()
    for shown in (listed, page):
        assert "<script>alert" not in shown
        assert "envelope: <b>" not in shown
        assert "\\u202e\\x1b[31m" in shown
    assert "ff 3c 73 63 72 69 70 74" in page
    assert "Put back…" not in page
    assert "are no event" in boss.post(url("letter_put_back", letter), follow=True).content.decode()
    assert dead_letters.count() == 1
    assert not LogEntry.objects.exists()


def test_a_letter_is_deleted_after_a_question_and_that_is_kept_on_record(game: Game, boss: Client) -> None:
    letter = set_aside("chess_club:0", b"junk")
    assert boss.get(url("letter_delete", letter)).status_code == 200
    assert dead_letters.count() == 1
    boss.post(url("letter_delete", letter))
    assert dead_letters.count() == 0
    assert LogEntry.objects.get().change_message == f"deleted dead letter {letter} of chess_club:0"
    assert boss.get(url("letter", letter)).status_code == 404
    assert boss.get(url("letter", "nonsense")).status_code == 404


def test_what_a_topic_calls_sensitive_is_hidden(game: Game, boss: Client) -> None:
    page = boss.get(url("letter", set_aside("chess_club:0", an_event()))).content.decode()
    assert "sides" in page
    assert "hunter2" not in page


def test_letters_are_listed_newest_first_page_by_page(game: Game, boss: Client) -> None:
    made = [set_aside("chess_club:0", b"junk") for _ in range(53)][::-1]
    first = boss.get(reverse(LETTERS))
    older = boss.get(reverse(LETTERS), {"before": first.context["older"]})
    assert [each.dead_letter.id for each in first.context["dead_letters"]] == made[:50]
    assert [each.dead_letter.id for each in older.context["dead_letters"]] == made[50:]
    assert "older" not in older.context


def test_only_who_may_sees_and_changes_them(game: Game) -> None:
    letter = set_aside("chess_club:0", an_event())
    user = User.objects.create_user("someone", is_staff=True)
    client = Client()
    client.force_login(user)

    def permit(name: str) -> None:
        user.user_permissions.add(Permission.objects.get(codename=name))

    permit("view_execution")
    permit("view_outboxevent")
    for address in (reverse(LETTERS), *(url(name, letter) for name in ("letter", "letter_put_back", "letter_delete"))):
        assert client.get(address).status_code == 403, address
    assert client.post(url("letter_put_back", letter)).status_code == 403
    assert "Dead letters" not in client.get(reverse("admin:index")).content.decode()
    permit("change_outboxevent")
    assert client.get(reverse(LETTERS)).status_code == 200
    assert client.post(url("letter_delete", letter)).status_code == 403
    assert dead_letters.count() == 1


def test_without_redis_the_page_says_so(game: Game, boss: Client, redis_server: Any) -> None:
    letter = set_aside("chess_club:0", an_event())
    redis_server.kill()
    assert boss.get(reverse(LETTERS)).status_code == 503
    assert boss.get(url("letter", letter)).status_code == 302
    assert boss.post(url("letter_put_back", letter)).status_code == 302
    assert not LogEntry.objects.exists()


def test_the_command_lists_puts_back_and_deletes(
    game: Game, capsys: pytest.CaptureFixture[str], redis_client: redis.Redis
) -> None:
    publish(game, "result = 1\n")
    junk, good = set_aside("chess_club:0", b"junk"), set_aside("chess_club:0", an_event(event_id="e1"))
    call_command("dead_letters", as_json=True)
    told = json.loads(capsys.readouterr().out)["dead_letters"]
    assert [(each["id"], each["event_id"]) for each in told] == [(good, "e1"), (junk, None)]
    with pytest.raises(CommandError, match=junk):
        call_command("dead_letters", put_back="all")
    assert redis_client.xlen(streams.dead_letters_key()) == 1
    assert redis_client.xlen(Stream.of("chess_club", "ada", "e1").entries) == 1
    call_command("dead_letters", delete="all")
    assert redis_client.xlen(streams.dead_letters_key()) == 0
    with pytest.raises(CommandError, match="no dead letter"):
        call_command("dead_letters", delete=junk)
