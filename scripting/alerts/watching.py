"""Look whether something is wrong, or over: one alert of a cause at a time, with one message to each receiver for either."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

import redis
from django.db import IntegrityError, transaction

from scripting import clock
from scripting.alerts.causes import causes_of
from scripting.models import Alert, AlertMessage, AlertReceiver, AlertRule
from scripting.storage.redis_errors import noted
from scripting.texts.escaping import one_line

logger = logging.getLogger(__name__)

SETTLE = timedelta(seconds=30)
"""An alert is over when its cause was not seen for so long: what comes and goes is told once."""
EVERY_SECONDS = 10.0


def look(now: datetime | None = None) -> int:
    """Begin and end alerts, by every rule: how many. What cannot be known now neither begins nor ends."""
    now, turned = now or clock.now(), 0
    for rule in AlertRule.objects.filter(enabled=True):
        try:
            turned += _look(rule, now)
        except redis.RedisError as error:
            if not noted(error):
                logger.warning("rule %s: not known now: %s", rule, error)
    return turned + _end_of_disabled(now)


def _end_of_disabled(now: datetime) -> int:
    """End what was open when its rule was disabled: nobody looks for its end any longer, and who was told of it waits for that."""
    return sum([_end(alert, now) for alert in Alert.objects.filter(ended_at=None, rule__enabled=False)])


def _look(rule: AlertRule, now: datetime) -> int:
    found = causes_of(rule, now)
    open_now = {alert.cause: alert for alert in rule.alerts.filter(ended_at=None)}
    Alert.objects.filter(pk__in=[open_now[cause].pk for cause in found if cause in open_now]).update(seen_at=now)
    begun = [_begin(rule, cause, words, now) for cause, words in found.items() if cause not in open_now]
    over = [alert for cause, alert in open_now.items() if cause not in found and alert.seen_at <= now - SETTLE]
    ended = [_end(alert, now) for alert in over]
    return sum(begun) + sum(ended)


def _begin(rule: AlertRule, cause: str, words: str, now: datetime) -> bool:
    try:
        with transaction.atomic():
            alert = Alert.objects.create(rule=rule, cause=cause, words=one_line(words, 500), begun_at=now, seen_at=now)
            tell(rule.receivers.all(), AlertMessage.About.BEGUN, alert, now)
    except IntegrityError:
        return False  # another process was first
    logger.warning("alert: %s: %s", rule, alert.words)
    return True


@transaction.atomic
def _end(alert: Alert, now: datetime) -> bool:
    if not Alert.objects.filter(pk=alert.pk, ended_at=None).update(ended_at=now):
        return False
    alert.ended_at = now
    told = AlertReceiver.objects.filter(messages__alert=alert).distinct()
    tell(told, AlertMessage.About.ENDED, alert, now)
    return True


def tell(
    receivers: Iterable[AlertReceiver], about: AlertMessage.About, alert: Alert | None, now: datetime
) -> list[AlertMessage]:
    """Write a message to each; in quiet hours it waits until they are over."""
    return AlertMessage.objects.bulk_create(
        AlertMessage(receiver=receiver, alert=alert, about=about, due_at=_due(receiver, about, now))
        for receiver in receivers
    )


def _due(receiver: AlertReceiver, about: AlertMessage.About, now: datetime) -> datetime:
    return now if about == AlertMessage.About.TEST else receiver.quiet_end(now) or now
