"""Which scripts run on a topic, over the API: read, changed, rolled back, under the rules of the pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from ninja import Field, Router, Schema

from scripting.api.access import ApiRequest, demand
from scripting.api.problems import Problem
from scripting.api.releases import require_switch
from scripting.models import SubscriptionActivation
from scripting.models.tokens import Action
from scripting.modules.topics import topics
from scripting.subscriptions import sets
from scripting.subscriptions.sets import SubscriptionRefused, SubscriptionsChanged
from scripting.subscriptions.subscribed import Subscriber

router = Router(tags=["events"])

LABEL = r"^[a-z][a-z0-9_]{0,63}/[a-z][a-z0-9_]{0,63}$"
SHOWN = 50


class SubscriberBody(Schema):
    """A script that runs on a topic."""

    script: str = Field(pattern=LABEL, description="module/name")
    enabled: bool = True
    condition: str = Field("", description="Of the payload, such as `turn >= 10`; empty: on every event.")

    @property
    def subscriber(self) -> Subscriber:
        module, _, script = self.script.partition("/")
        return Subscriber(module, script, self.enabled, self.condition)


class SubscriptionsIn(Schema):
    """The scripts that are to run on a topic, in this order, and why."""

    subscribers: list[SubscriberBody] = Field(max_length=sets.MOST)
    reason: str
    base: int | None = Field(None, description="Number of the set that this changes; another one meanwhile is a 409.")


class SubscriptionsBack(Schema):
    """The set to go back to, and why."""

    number: int = Field(ge=0, lt=2**31, description="0: what the code says.")
    reason: str


class SubscriptionChange(Schema):
    """A line of the history."""

    number: int
    at: datetime
    actor: str | None
    reason: str


class SubscriptionsOut(Schema):
    """The scripts that run on a topic, in their order."""

    topic: str
    number: int = Field(description="Of their set; 0: what the code says.")
    subscribers: list[SubscriberBody]
    history: list[SubscriptionChange]


@router.get("/topics/{topic}/subscriptions", response=SubscriptionsOut)
def subscriptions(request: ApiRequest, topic: str) -> SubscriptionsOut:
    """Which scripts run on a topic, and how that came to be."""
    demand(request, Action.READ)
    return _out(_known(topic))


@router.post("/topics/{topic}/subscriptions", response=SubscriptionsOut)
def subscribe(request: ApiRequest, topic: str, wanted: SubscriptionsIn) -> SubscriptionsOut:
    """Change which scripts run on events of a topic that are published from now on. The token covers all that run and ran."""
    given = [each.subscriber for each in wanted.subscribers]
    _demand(request, topic, given)
    require_switch()
    actor = request.auth.user
    return _changed(topic, lambda: sets.publish(topic, given, actor=actor, reason=wanted.reason, base=wanted.base))


@router.post("/topics/{topic}/subscriptions/rollback", response=SubscriptionsOut)
def rollback(request: ApiRequest, topic: str, wanted: SubscriptionsBack) -> SubscriptionsOut:
    """Go back to an earlier set."""
    _demand(request, topic, sets.set_numbered(topic, wanted.number).subscribers if topic in topics else ())
    actor = request.auth.user
    return _changed(topic, lambda: sets.rollback(topic, wanted.number, actor=actor, reason=wanted.reason))


def _known(topic: str) -> str:
    if topic not in topics:
        raise Problem(404, "not_found", "There is no such topic.")
    return topic


def _demand(request: ApiRequest, topic: str, wanted: tuple[Subscriber, ...] | list[Subscriber]) -> None:
    active = sets.now_active(topic).subscribers if topic in topics else ()
    demand(request, Action.PUBLISH, *(each.label for each in (*active, *wanted)))
    _known(topic)


def _changed(topic: str, change: Callable[[], SubscriptionActivation]) -> SubscriptionsOut:
    try:
        change()
    except SubscriptionsChanged as changed:
        raise Problem(409, "stale_base", f"{changed}.") from None
    except SubscriptionRefused as refused:
        raise Problem(422, "refused", f"{refused}.") from None
    return _out(topic)


def _out(topic: str) -> SubscriptionsOut:
    active = sets.now_active(topic)
    return SubscriptionsOut(
        topic=topic,
        number=active.number,
        subscribers=[
            SubscriberBody(script=each.label, enabled=each.enabled, condition=each.condition)
            for each in active.subscribers
        ],
        history=[
            SubscriptionChange(
                number=one.chosen.number if one.chosen else 0,
                at=one.created_at,
                actor=str(one.actor) if one.actor else None,
                reason=one.reason,
            )
            for one in sets.history(topic)[:SHOWN]
        ],
    )
