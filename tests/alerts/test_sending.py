"""Messages of alerts to receivers that take, refuse, dawdle, lead inside or are gone: nothing lost, nothing else slowed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection, transaction
from pytest_django import Settings

from scripting.admin.alerts import ReceiverForm
from scripting.alerts import posting, sending, watching
from scripting.alerts.sending import Sender
from scripting.models import Alert, AlertMessage, AlertReceiver, AlertRule, Review, ReviewNote
from tests.alerts.receivers import receiver
from tests.support.stack import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
WAITS_FOR_ROW = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture(autouse=True)
def allowed(settings: Settings) -> None:
    settings.SCRIPTING_ALERT_NETWORKS = "127.0.0.0/8"


def made(url: str, kind: str = "webhook", name: str = "ops") -> AlertReceiver:
    return AlertReceiver.objects.create(name=name, kind=kind, address=url)


def begun(*receivers: AlertReceiver, words: str = "tavern/barkeeper failed") -> Alert:
    now = datetime.now(UTC)
    rule = AlertRule.objects.create(name="breakers", kind="breaker")
    rule.receivers.set(receivers)
    alert = Alert.objects.create(rule=rule, cause="tavern/barkeeper", words=words, begun_at=now, seen_at=now)
    watching.tell(receivers, AlertMessage.About.BEGUN, alert, now)
    return alert


def message_to(to: AlertReceiver) -> AlertMessage:
    return to.messages.get()


def test_a_webhook_is_signed_over_its_id_its_time_and_its_body() -> None:
    with receiver() as server:
        to = made(server.url)
        begun(to)
        assert sending.send_next(to.pk)
    [(headers, body)] = server.got
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(to.secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 60
    assert json.loads(body)["type"] == "alert.begun"
    assert (message_to(to).state, message_to(to).answer) == ("delivered", "204 No Content")


def test_slack_and_discord_get_their_own_shapes_in_which_nobody_is_called() -> None:
    with receiver() as server:
        for kind in ("slack", "discord"):
            begun_to = made(server.url, kind, kind)
            AlertRule.objects.all().delete()
            begun(begun_to, words="<!channel> & @everyone")
            sending.send_next(begun_to.pk)
    slack, discord = (json.loads(body) for _, body in server.got)
    assert slack == {"text": "breakers: &lt;!channel&gt; &amp; @everyone"}
    assert discord["allowed_mentions"] == {"parse": []}
    assert "webhook-signature" not in server.got[0][0]


def test_a_receiver_that_fails_is_tried_again_later_each_time_until_it_takes_the_message() -> None:
    with receiver(status=503) as server:
        to = made(server.url)
        begun(to)
        now = datetime.now(UTC)
        pauses = []
        for _ in range(3):
            assert not sending.send_next(to.pk, now)
            pauses.append((message_to(to).due_at - now).total_seconds())
            assert not sending.receivers_due(now)
            now = message_to(to).due_at
        assert pauses == [10, 30, 60]
        assert message_to(to).answer.startswith("503")
        server.status = 200
        assert sending.send_next(to.pk, now)
    assert (message_to(to).attempts, message_to(to).state) == (4, "delivered")


def test_a_redirect_is_not_followed_inside_or_anywhere() -> None:
    with receiver() as inside, receiver(status=307, location=inside.url) as server:
        to = made(server.url)
        begun(to)
        assert not sending.send_next(to.pk)
    assert inside.got == []
    assert "leads elsewhere" in message_to(to).answer


def test_a_receiver_inside_that_is_not_allowed_gets_no_request(settings: Settings) -> None:
    settings.SCRIPTING_ALERT_NETWORKS = ""
    with receiver() as server:
        to = made(server.url)
        begun(to)
        assert not sending.send_next(to.pk)
    assert server.got == []
    assert "inside of a private network" in message_to(to).answer


def test_a_receiver_that_is_gone_loses_nothing_within_the_retention_and_then_it_is_said() -> None:
    with receiver() as server:
        to = made(server.url)
    begun(to)
    now = datetime.now(UTC)
    assert not sending.send_next(to.pk, now)
    assert "refused" in message_to(to).answer
    sending.tidy(now + sending.RETENTION - timedelta(minutes=1))
    assert message_to(to).state == "waiting"
    sending.tidy(now + sending.RETENTION + timedelta(minutes=1))
    assert message_to(to).state == "given_up"


def test_an_answer_that_drips_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "SECONDS", 0.2)
    with receiver(drips=True) as server:
        to = made(server.url)
        begun(to)
        started = time.monotonic()
        assert not sending.send_next(to.pk)
        assert time.monotonic() - started < 9, "all that drips takes ten seconds"


def test_a_slow_receiver_delays_no_other_and_a_message_has_one_taker() -> None:
    may_answer = threading.Event()
    with receiver(may_answer=may_answer) as slow, receiver() as quick:
        to_slow, to_quick = made(slow.url, name="a slow one"), made(quick.url, name="b quick one")
        begun(to_slow, to_quick)
        first, second = Sender(), Sender()
        first.step()
        second.step()
        wait_until(lambda: message_to(to_quick).state == "delivered", 60)
        assert message_to(to_slow).state == "waiting"
        may_answer.set()
        wait_until(lambda: message_to(to_slow).state == "delivered", 60)
    assert (len(slow.got), len(quick.got)) == (1, 1)


def test_a_message_that_another_process_takes_at_the_same_moment_is_sent_by_that_one_alone() -> None:
    with receiver() as server, ThreadPoolExecutor(1) as threads:
        to = made(server.url)
        begun(to)
        taking = threading.Event()

        def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
            if sql.startswith("UPDATE"):
                taking.set()
            return execute(sql, params, many, context)

        def send() -> bool:
            try:
                with connection.execute_wrapper(note):
                    return sending.send_next(to.pk)
            finally:
                connection.close()

        with transaction.atomic():
            AlertMessage.objects.update(taken_at=datetime.now(UTC), attempts=1)  # the other's, not committed yet
            sent = threads.submit(send)
            assert taking.wait(60)
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    wait_until(lambda: cursor.execute(WAITS_FOR_ROW).fetchone()[0], 60)
        assert not sent.result(60)
    assert server.got == []


def test_a_message_whose_process_died_is_taken_by_another_after_a_minute() -> None:
    with receiver() as server:
        to = made(server.url)
        begun(to)
        now = datetime.now(UTC)
        AlertMessage.objects.update(taken_at=now)
        assert not sending.receivers_due(now + timedelta(seconds=30))
        assert sending.send_next(to.pk, now + timedelta(seconds=61))


def test_nobody_hears_that_something_is_over_before_they_hear_of_it() -> None:
    with receiver(status=500) as server:
        to = made(server.url)
        alert = begun(to)
        now = datetime.now(UTC)
        sending.send_next(to.pk, now)
        watching.tell([to], AlertMessage.About.ENDED, alert, now)
        assert not sending.receivers_due(now + timedelta(seconds=1))
        server.status = 200
        later = now + timedelta(seconds=11)
        assert sending.send_next(to.pk, later)
        assert sending.send_next(to.pk, later)
    assert [json.loads(body)["type"] for _, body in server.got[1:]] == ["alert.begun", "alert.ended"]


def test_mail_goes_through_django_to_every_address() -> None:
    to = made("ada@x.example, bo@x.example", "mail")
    begun(to)
    assert sending.send_next(to.pk)
    [sent] = mail.outbox
    assert (sent.to, sent.subject) == (["ada@x.example", "bo@x.example"], "breakers: tavern/barkeeper failed")


def test_in_quiet_hours_messages_wait_until_they_are_over_but_a_test_does_not() -> None:
    to = made("https://x.example/")
    to.quiet_from, to.quiet_until, to.zone = (
        clock(22),
        clock(7),
        "Europe/Berlin",
    )
    for hour, end in ((21, None), (23, 7), (3, 7), (8, None)):
        now = datetime(2026, 7, 1, hour - 2 if hour > 2 else hour + 22, 30, tzinfo=UTC)  # summer: two hours ahead
        found = to.quiet_end(now)
        assert (found.hour if found else None) == end
        assert found is None or found.utcoffset() == timedelta(hours=2)
    to.quiet_from, to.quiet_until, to.zone = (
        clock(0),
        clock(23, 59),
        "UTC",
    )
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    [waits] = watching.tell([to], AlertMessage.About.BEGUN, begun(), noon)
    [at_once] = watching.tell([to], AlertMessage.About.TEST, None, noon)
    assert (waits.due_at.hour, at_once.due_at) == (23, noon)


def test_people_are_mailed_once_what_reviews_tell_them() -> None:
    rita = User.objects.create_user("rita", email="rita@x.example")
    review = Review.objects.create(reason="less for 7")
    for user in (rita, User.objects.create_user("bo")):
        ReviewNote.objects.create(user=user, review=review, words="eve asks for a review")
    assert (sending.mail_people(), sending.mail_people()) == (1, 0), "bo has no address"
    [sent] = mail.outbox
    assert (sent.to, sent.subject) == (["rita@x.example"], f"eve asks for a review: review {review.pk}")


def test_a_secret_is_shown_where_it_is_new_kept_where_its_field_stays_empty_and_never_shown_again() -> None:
    to = made("https://x.example/")
    shown = ReceiverForm(instance=AlertReceiver.objects.get(pk=to.pk))
    assert to.secret not in shown.as_p()
    given = {"name": "ops", "kind": "webhook", "address": "https://y.example/", "secret": "", "zone": "UTC"}
    form = ReceiverForm(given, instance=AlertReceiver.objects.get(pk=to.pk))
    assert form.is_valid(), form.errors
    assert form.save().secret == to.secret
    assert "whsec_" in ReceiverForm().as_p()
