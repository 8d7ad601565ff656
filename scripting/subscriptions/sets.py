"""Sets of subscriptions: checked, stored, activated, rolled back. Each change says who and why, and every process hears of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import IntegrityError, router, transaction
from django.db.models import Max

from scripting import clock
from scripting.models import SHARED, PlannedSubscription, Script, SubscriptionActivation, SubscriptionSet
from scripting.modules.topics import TopicError, topics
from scripting.processes import generation, notices
from scripting.processes.notices import SUBSCRIBED, Notice
from scripting.storage import numbers
from scripting.storage.compiled_query import Prepared, number
from scripting.subscriptions.conditions import ConditionError, condition_of
from scripting.subscriptions.subscribed import Subscriber, Subscriptions, as_chosen, as_code_says, table
from scripting.texts.escaping import visible

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LONGEST_REASON = 500
CHANGED = "somebody changed them meanwhile: look at them as they are now, then change them"
MOST = 50
"""Subscribers of one topic."""


class SubscriptionRefused(Exception):
    """The change cannot be made: the message says what to do. `subscriber` is the one at fault, where it is one."""

    def __init__(self, message: str, subscriber: str = "") -> None:
        super().__init__(f"{subscriber}: {message}" if subscriber else message)
        self.subscriber = subscriber


class SubscriptionsChanged(SubscriptionRefused):
    """Somebody else changed them since they were read."""


def now_active(topic: str) -> Subscriptions:
    """As the database has it now, whatever this process remembers."""
    latest = _latest(topic)
    if latest is None or latest.chosen is None:
        return as_code_says(topic)
    return as_chosen(latest.chosen)


def publish(
    topic: str,
    subscribers: Sequence[Subscriber],
    *,
    actor: User | None,
    reason: str,
    base: int | None = None,
) -> SubscriptionActivation:
    """Have these scripts run on the topic, in this order. `base` is the number that the actor believed active (0: the code's).

    Raises SubscriptionRefused.
    """
    _say_why(reason)
    _check(topic, subscribers)
    with transaction.atomic():
        _hold(topic)
        active = now_active(topic)
        if base is not None and active.number != base:
            raise SubscriptionsChanged(CHANGED)
        if active.subscribers == tuple(subscribers):
            raise SubscriptionRefused("this is how it is already; nothing changed")
        return _activate(topic, keep(topic, subscribers, author=actor), actor, reason)


def keep(topic: str, subscribers: Sequence[Subscriber], *, author: User | None, at_least: int = 1) -> SubscriptionSet:
    """The set of these subscribers; equal ones reuse theirs, a new one has a number of `at_least`. Never activates.

    Raises SubscriptionsChanged.
    """
    content = json.dumps([each.as_entry() for each in subscribers], sort_keys=True)
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    sets = SubscriptionSet.objects.filter(topic=topic)
    chosen = sets.filter(sha256=sha256).first()
    if chosen is None:
        last = sets.aggregate(last=Max("number"))["last"] or 0
        number = numbers.next_number(numbers.SUBSCRIPTIONS, topic, last, at_least)
        chosen = SubscriptionSet(topic=topic, number=number, content=content, sha256=sha256, author=author)
        try:
            with transaction.atomic():
                chosen.save()
        except IntegrityError:  # the topic's first set, for which there was no row to hold
            raise SubscriptionsChanged(CHANGED) from None
    return chosen


def rollback(topic: str, number: int, *, actor: User | None, reason: str) -> SubscriptionActivation:
    """Make an old set active again; 0 is what the code says. Raises SubscriptionRefused."""
    _say_why(reason)
    chosen = None
    if number:
        chosen = SubscriptionSet.objects.filter(topic=topic, number=number).first()
        if chosen is None:
            raise SubscriptionRefused(f"{topic} has no subscriptions {number}")
        _check(topic, [Subscriber(**entry) for entry in chosen.entries])
    with transaction.atomic():
        _hold(topic)
        if now_active(topic).number == number:
            raise SubscriptionRefused("this is how it is already; nothing changed")
        return _activate(topic, chosen, actor, reason)


def set_numbered(topic: str, number: int) -> Subscriptions:
    """An old set; what the code says for 0, and for one that there is not."""
    chosen = SubscriptionSet.objects.filter(topic=topic, number=number).first()
    return as_chosen(chosen) if chosen is not None else as_code_says(topic)


def history(topic: str) -> list[SubscriptionActivation]:
    """Every change, the last one first."""
    return list(SubscriptionActivation.objects.filter(topic=topic).select_related("chosen", "actor"))


# -- scripts that are new ------------------------------------------------------------------------------------------------


def plan(script: Script, topic: str) -> None:
    """Have a script join the topic with its first published version."""
    PlannedSubscription.objects.update_or_create(script=script, defaults={"topic": topic})


def planned_topic(script: Script) -> str:
    """The topic that the script is to join with its first version; empty for none."""
    if script.active_version_id is not None:
        return ""
    found = PlannedSubscription.objects.filter(script=script).first()
    return found.topic if found is not None and found.topic in topics else ""


def join_planned(script: Script, *, actor: User | None) -> None:
    """Subscribe a script that was published for the first time, inside the transaction that makes its version live."""
    if not _planned.rows(router.db_for_write(PlannedSubscription), script=script.pk):
        return
    found = PlannedSubscription.objects.get(script=script)
    found.delete()
    if found.topic not in topics:
        return
    subscriber = Subscriber(script.module, script.name)
    active = now_active(found.topic)
    if subscriber.label not in {each.label for each in active.subscribers}:
        reason = f"{script} is published for the first time"
        publish(found.topic, [*active.subscribers, subscriber], actor=actor, reason=reason)


_planned = Prepared(
    lambda: PlannedSubscription.objects.filter(script__id=number("script")).order_by().values_list("pk")
)


# -- the parts -----------------------------------------------------------------------------------------------------------


def _check(topic: str, subscribers: Sequence[Subscriber]) -> None:
    try:
        found = topics.get(topic)
    except TopicError as error:
        raise SubscriptionRefused(str(error)) from None
    if len(subscribers) > MOST:
        raise SubscriptionRefused(f"{MOST} scripts may run on a topic at the most")
    seen: set[str] = set()
    for each in subscribers:
        label = visible(each.label)
        if each.label in seen:
            raise SubscriptionRefused("it is named twice: a script runs once on an event", label)
        seen.add(each.label)
        if each.module == SHARED:
            raise SubscriptionRefused("a helper runs on no event", label)
        script = Script.objects.named(each.module, each.script).first()
        if script is None:
            raise SubscriptionRefused("there is no such script", label)
        if script.active_version_id is None and each.enabled and (each.module, each.script) not in _by_code(topic):
            raise SubscriptionRefused("it has no live version yet: publish one first", label)
        if each.condition:
            try:
                condition_of(each.condition, found)
            except ConditionError as error:
                raise SubscriptionRefused(f"its condition: {error}", label) from None


def _by_code(topic: str) -> set[tuple[str, str]]:
    return {(each.module, each.script) for each in as_code_says(topic).subscribers}


def _hold(topic: str) -> None:
    """Let changes of one topic happen one after the other, where the database locks rows."""
    list(SubscriptionActivation.objects.select_for_update().filter(topic=topic).order_by("-id")[:1])


def _activate(topic: str, chosen: SubscriptionSet | None, actor: User | None, reason: str) -> SubscriptionActivation:
    made = SubscriptionActivation.objects.create(topic=topic, chosen=chosen, actor=actor, reason=visible(reason))
    number, digest = (chosen.number, chosen.sha256) if chosen else (None, "")
    notice = Notice(SUBSCRIBED, "", topic, number, digest, "", str(actor or ""), visible(reason), clock.seconds())

    def tell() -> None:
        table.forget()
        generated = generation.bump()
        if generated is not None:
            notices.spread(notice, generated)

    transaction.on_commit(tell)
    return made


def _latest(topic: str) -> SubscriptionActivation | None:
    return SubscriptionActivation.objects.filter(topic=topic).select_related("chosen").order_by("-id").first()


def _say_why(reason: str) -> None:
    if not reason.strip():
        raise SubscriptionRefused("say why: the reason is shown in the history for good")
    if len(visible(reason)) > LONGEST_REASON:
        raise SubscriptionRefused(f"a reason has {LONGEST_REASON} characters at the most")
