"""Send what is due: each receiver's messages one after the other, receivers side by side, in threads that nothing waits for."""

from __future__ import annotations

import http.client
import logging
import smtplib
import ssl
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.core.mail import send_mail
from django.db import DatabaseError, InterfaceError, connections
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from scripting import clock
from scripting.alerts import wording
from scripting.alerts.destination import Forbidden
from scripting.alerts.posting import NotTaken, post
from scripting.conf import conf
from scripting.models import AlertMessage, AlertReceiver, ReviewNote
from scripting.storage import database
from scripting.texts.escaping import one_line

logger = logging.getLogger(__name__)

State = AlertMessage.State
RETENTION = timedelta(days=3)
"""How long a message is tried; then it is given up, and says so in the log of messages."""
KEPT = timedelta(days=30)
"""How long the log of messages is kept."""
TAKEN = timedelta(seconds=60)
"""A message that a process took so long ago, and did not finish, is free again: its process died."""
PAUSES = (10, 30, 60, 300, 900, 1800, 3600)
"""Seconds until the next attempt; the last one repeats."""
TIDY_SECONDS = 60.0
"""Between two calls of `tidy`."""
TOLD_SECONDS = 5.0
"""After so long without a word of the sweep, which needs Redis, a process looks by itself."""
AT_ONCE = 8
"""Receivers that are sent to at the same time by one process."""
PEOPLE = 0
"""In place of a receiver: the people whom reviews tell something."""
FAILURES = (NotTaken, Forbidden, OSError, http.client.HTTPException, smtplib.SMTPException, ssl.SSLError, ValueError)


class Sender:
    """A thread that sends what is due: told of it by the sweep, else it looks each second. Several may look: a message has one taker."""

    def __init__(self) -> None:
        self._told = float("-inf")
        self._due = threading.Event()
        self._busy: set[int] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self) -> None:
        self._told = time.monotonic()  # it will hear in a second
        self._thread.start()

    def told(self, due: bool) -> None:
        """Hear whether something is due for this process to send."""
        self._told = time.monotonic()
        if due:
            self._due.set()

    def end(self) -> None:
        """Begin nothing more. What is under way is sent, or a minute later by another process."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _run(self) -> None:
        while not self._ended.wait(1.0):
            try:
                if self._due.is_set() or time.monotonic() - self._told > TOLD_SECONDS:
                    self._due.clear()
                    self.step()
            except (DatabaseError, InterfaceError) as error:
                if database.is_unavailable(error):
                    database.outage.note(error)
                else:
                    logger.warning("messages of alerts wait for the database: %s", error)
            except Exception:
                logger.exception("messages of alerts wait")
            finally:
                connections.close_all()

    def step(self) -> None:
        """Begin to send to every receiver for whom something is due, and who is not being sent to."""
        for receiver in sorted(receivers_due(clock.now()) - self._busy)[: max(0, AT_ONCE - len(self._busy))]:
            self._begin(receiver, self._send, receiver)
        if (
            conf.SCRIPTING_MAIL_PEOPLE
            and PEOPLE not in self._busy
            and ReviewNote.objects.filter(mailed_at=None).exists()
        ):
            self._begin(PEOPLE, self._mail)

    def _begin(self, mark: int, act: Callable[..., None], *arguments: int) -> None:
        self._busy.add(mark)
        threading.Thread(target=act, args=arguments, name=f"alerts-{mark}", daemon=True).start()

    def _send(self, receiver: int) -> None:
        try:
            while not self._ended.is_set() and send_next(receiver):
                pass
        except Exception:
            logger.exception("receiver %s is not sent to", receiver)
        finally:
            connections.close_all()
            self._busy.discard(receiver)

    def _mail(self) -> None:
        try:
            mail_people()
        except FAILURES as error:
            logger.warning("people are not mailed: %s", error)
        finally:
            connections.close_all()
            self._busy.discard(PEOPLE)


def receivers_due(now: datetime) -> set[int]:
    """The receivers for whom a message is due that nobody has taken."""
    return set(_due(now).values_list("receiver_id", flat=True))


def send_next(receiver: int, now: datetime | None = None) -> bool:
    """Take the oldest message that is due to this receiver, and try it: whether it was delivered."""
    now = now or clock.now()
    message = _due(now).filter(receiver_id=receiver).order_by("pk").first()
    if message is None:
        return False
    # By columns of the row alone: only these does PostgreSQL look at again when another process has changed it meanwhile.
    taking = AlertMessage.objects.filter(_free(now), pk=message.pk, state=State.WAITING, due_at__lte=now)
    if not taking.update(taken_at=now, attempts=F("attempts") + 1):
        return False  # another process was first
    message.refresh_from_db()
    try:
        answer, delivered = _deliver(message, now), True
    except FAILURES as error:
        answer, delivered = f"{type(error).__name__}: {error}" if not isinstance(error, NotTaken) else str(error), False
    message.answer, message.taken_at = one_line(answer, 300), None
    if delivered:
        message.state, message.delivered_at = State.DELIVERED, clock.now()
    else:
        pause = PAUSES[min(message.attempts, len(PAUSES)) - 1]
        message.due_at = now + timedelta(seconds=pause)
        logger.warning("alert message %s to %s was not taken: %s", message.pk, message.receiver, message.answer)
    message.save(update_fields=["answer", "taken_at", "state", "delivered_at", "due_at"])
    return delivered


def _deliver(message: AlertMessage, now: datetime) -> str:
    receiver = message.receiver
    if receiver.kind == AlertReceiver.Kind.MAIL:
        addresses = [each.strip() for each in receiver.address.split(",") if each.strip()]
        send_mail(wording.subject(message), wording.text(message), None, addresses)
        return f"mailed to {len(addresses)}"
    content = wording.body(message, now)
    return post(receiver.address, content, wording.headers(message, content, now))


def _free(now: datetime) -> Q:
    """Messages that nobody is sending."""
    return Q(taken_at=None) | Q(taken_at__lt=now - TAKEN)


def _due(now: datetime) -> QuerySet[AlertMessage]:
    earlier = AlertMessage.objects.filter(
        receiver=OuterRef("receiver"), alert=OuterRef("alert"), pk__lt=OuterRef("pk"), state=State.WAITING
    )  # nobody hears that something is over before they hear of it
    return AlertMessage.objects.filter(
        _free(now), ~Exists(earlier), state=State.WAITING, due_at__lte=now, receiver__enabled=True
    )


def tidy(now: datetime) -> None:
    """Give up what is too old, and forget what was long ago."""
    old = AlertMessage.objects.filter(state=State.WAITING, created_at__lt=now - RETENTION)
    old.filter(_free(now)).update(state=State.GIVEN_UP)
    AlertMessage.objects.filter(created_at__lt=now - KEPT).exclude(state=State.WAITING).delete()


def mail_people() -> int:
    """Mail what people are told of reviews, each once: how many. Raises OSError, SMTPException; the next turn goes on."""
    sent = 0
    now = clock.now()
    for note in ReviewNote.objects.filter(mailed_at=None).select_related("user", "review").order_by("pk")[:100]:
        if not ReviewNote.objects.filter(pk=note.pk, mailed_at=None).update(mailed_at=now):
            continue  # another process was first
        if note.user.email and note.created_at > now - RETENTION:
            try:
                send_mail(
                    f"{note.words}: {note.review}", f"{note.words}.\n\n{note.review.reason}\n", None, [note.user.email]
                )
            except FAILURES:
                ReviewNote.objects.filter(pk=note.pk).update(mailed_at=None)
                raise
            sent += 1
    return sent
