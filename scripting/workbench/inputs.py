"""Inputs that a script can be tried on: its topics and endpoints, with a schema and an example of each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import msgspec

from scripting import clock
from scripting.bus.events import Event
from scripting.models import Script
from scripting.modules.http_requests import EndpointRequest, RequestMisfit
from scripting.modules.installed import modules
from scripting.modules.topics import Topic, TopicError, topics
from scripting.subscriptions import sets
from scripting.subscriptions.subscribed import table
from scripting.texts.plain_json import jsonable
from scripting.workbench.access import Refusal


@dataclass(frozen=True)
class Source:
    """Where a run of the script can come from: a topic of the bus, an endpoint, or nowhere (a bare run)."""

    key: str
    label: str
    topic: Topic | None = None
    endpoint: str = ""


NOTHING = Source("", "Nothing: a bare run")


def sources(script: Script) -> list[Source]:
    """The script's topics, then its endpoints, then a bare run."""
    module = modules.get(script.module)
    if module is None:
        return [NOTHING]
    heard = table.topics_of(script.module, script.name)
    if (planned := sets.planned_topic(script)) and planned not in heard:
        heard.append(planned)
    handled = map(topics.get, heard)
    paths = module.config.endpoints_of(script.name)
    return [
        *(Source(f"topic:{topic.name}", topic.name, topic) for topic in handled),
        *(Source(f"endpoint:{path}", f"request to {path}", None, path) for path in paths),
        NOTHING,
    ]


def described(script: Script) -> list[dict[str, Any]]:
    """The sources as the page's form needs them: schema and example."""
    return [
        {
            "key": source.key,
            "label": source.label,
            "description": source.topic.description if source.topic else "",
            "schema": schema_of(script, source),
            "example": jsonable(example_payload(script, source)),
        }
        for source in sources(script)
    ]


def schema_of(script: Script, source: Source) -> dict[str, Any] | None:
    """The schema of a payload, where it has one."""
    if source.topic is not None:
        return source.topic.json_schema()
    module = modules.get(script.module)
    body = module.config.endpoint_bodies.get(source.endpoint) if module else None
    return msgspec.json.schema(body) if body is not None else None


def example_payload(script: Script, source: Source) -> Any:
    """The payload that the form starts with."""
    if source.topic is not None:
        return source.topic.example
    module = modules.get(script.module)
    return module.config.endpoint_examples.get(source.endpoint, {}) if module else {}


def example_context(script: Script, source: Source) -> dict[str, Any]:
    """The context variables of an example run."""
    try:
        return context_for(script, source, example_payload(script, source))
    except Refusal:  # there is no example, and nothing at all does not fit
        return {}


def context_for(script: Script, source: Source, payload: Any) -> dict[str, Any]:
    """The context variables that a run on this payload would get. Raises Refusal for a payload that does not fit."""
    if source.topic is not None:
        event = Event(
            id="trial",
            topic=source.topic.name,
            payload=fitting(source.topic, payload),
            subscribers=[(script.module, script.name)],
            published_us=clock.time_ns() // 1000,
        )
        return event.script_context(script.module)
    if source.endpoint:
        headers = {"Content-Type": "application/json"}
        request = EndpointRequest("POST", source.endpoint, as_text(payload), payload, headers)
        return request_context(script, source.endpoint, request)
    if not isinstance(payload, dict):
        raise Refusal(422, "inputs", "The inputs of a bare run are an object: its keys are the context variables.")
    return payload


def fitting(topic: Topic, payload: Any) -> dict[str, Any]:
    """The payload with its topic's defaults. Raises Refusal for one that does not fit."""
    try:
        return topic.validate(payload)
    except TopicError as error:
        raise Refusal(422, "inputs", str(error)) from None


def as_text(body: Any) -> str:
    """A body as the text of a JSON request. Raises Refusal."""
    try:
        return json.dumps(jsonable(body), ensure_ascii=False)
    except RecursionError:
        raise Refusal(422, "inputs", "The body is nested too deeply.") from None


def request_context(script: Script, endpoint: str, request: EndpointRequest) -> dict[str, Any]:
    """Build the script's input from a request. Raises Refusal for one that does not fit."""
    module = modules.get(script.module)
    assert module is not None
    try:
        return request.fitted(module, endpoint).script_context(module, endpoint)
    except RequestMisfit as misfit:
        raise Refusal(422, "inputs", str(misfit)) from None


def source_of(script: Script, key: str) -> Source:
    """The source that the page names. Raises Refusal."""
    found = next((source for source in sources(script) if source.key == key), None)
    if found is None:
        raise Refusal(422, "inputs", f"{script} does not run on {key!r}")
    return found
