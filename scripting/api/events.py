"""Publish events from outside, and wait for their outcome if the caller wants it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from ninja import Field, Header, Query, Router, Schema, Status

from scripting.api import waiting
from scripting.api.access import ApiRequest, demand
from scripting.api.problems import Problem
from scripting.api.shapes import Outcome, outcome_of
from scripting.api.waiting import is_complete
from scripting.bus import publishing
from scripting.bus.events import Event
from scripting.bus.settled import Decided
from scripting.models.tokens import Action, ApiToken
from scripting.modules.topics import topics
from scripting.subscriptions.subscribed import table
from scripting.telemetry import spans

router = Router(tags=["events"])

MAX_WAIT = 30.0


class EventIn(Schema):
    """An event to publish."""

    topic: str = Field(max_length=128)
    payload: dict[str, Any] = Field(description="As the topic's schema has it: components/schemas/topic.<name>.")
    key: str = Field("", max_length=128, description="Ordering key: events of one key are decided in order.")
    metadata: dict[str, Any] = Field(default_factory=dict)
    id: str | None = Field(None, min_length=1, max_length=64, description="Yours: sent twice, it takes effect once.")


class EventOut(Schema):
    """An event that was accepted."""

    event: str
    complete: bool = Field(description="Whether every script that runs on it has decided.")
    outcomes: list[Outcome]


class TopicOut(Schema):
    """A kind of event."""

    name: str
    description: str
    example: dict[str, Any]
    schema_: dict[str, Any] = Field(serialization_alias="schema")
    scripts: list[str]
    keep: str = Field(description="`latest`: of the events of a key that wait, only the latest runs; else `all`.")


@router.post("/events", response={200: EventOut, 202: EventOut}, by_alias=True, url_name="scripting-api-events")
def publish(
    request: ApiRequest,
    event: EventIn,
    wait: Annotated[float, Query(ge=0, le=MAX_WAIT, description="Seconds to wait for the outcomes.")] = 0,
    idempotency_key: Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=64)] = None,
) -> Status[dict[str, Any]]:
    """Publish an event: 202 once it is accepted; with `wait`, 200 with the outcomes if all are known in time.

    An id (or the header Idempotency-Key) makes it safe to send again.
    """
    demand(request, Action.EVENTS, *listening(event.topic))
    made = wanted(
        request.auth,
        event,
        idempotency_key,
        request.headers.get("X-Request-ID", "")[:64],
        request.headers.get("traceparent", ""),
    )
    waiter = waiting.expect(made, wait) if wait else None
    try:
        publishing.send([waiter.event if waiter else made])
    except Exception:
        waiting.forget(waiter)
        raise
    return Status(*answer(made, waiting.outcomes(waiter) if waiter else None))


def listening(topic: str) -> list[str]:
    """Every script (`module/name`) that may run on the topic's events, whatever its condition."""
    return [each.label for each in table.of(topic).subscribers if each.enabled]


def wanted(
    token: ApiToken, event: EventIn, idempotency_key: str | None, request_id: str, traceparent: str = ""
) -> Event:
    """The event that a request asks for, not yet published. Raises Problem, TopicError."""
    if event.id is not None and idempotency_key is not None and event.id != idempotency_key:
        raise Problem(422, "two_ids", "The event's id and the header Idempotency-Key differ: send one of them.")
    return publishing.make_event(
        event.topic,
        event.payload,
        key=event.key,
        metadata=event.metadata,
        user_id=str(token.user.pk),
        event_id=event.id or idempotency_key,
        request_id=request_id,
        traceparent=spans.created(event.topic, parent=traceparent),
    )


def answer(event: Event, decided: Sequence[Decided] | None) -> tuple[int, dict[str, Any]]:
    """Status of the answer to an accepted event, and its fields, those of EventOut; `decided` is None where nobody waited."""
    found = decided or ()
    complete = is_complete(event, found)
    said = {"event": event.id, "complete": complete, "outcomes": [outcome_of(each) for each in found]}
    return 200 if complete and decided is not None else 202, said


@router.get("/topics", response=list[TopicOut], by_alias=True)
def catalogue(request: ApiRequest) -> list[dict[str, Any]]:
    """The topics, with schema and example of their payloads and the scripts that run on them."""
    demand(request, Action.READ)
    return [
        {
            "name": topic.name,
            "description": topic.description,
            "example": topic.example,
            "schema_": topic.json_schema(),
            "scripts": listening(topic.name),
            "keep": topic.keep,
        }
        for topic in topics
    ]
