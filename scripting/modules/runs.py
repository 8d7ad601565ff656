"""The kinds of run that a script gets, with the context variables of each: what a check knows of the script's inputs."""

from __future__ import annotations

from collections.abc import Sequence

from scripting.modules.scriptable import ScriptableModule
from scripting.modules.shapes import ANYTHING, PLAIN, shapes_of
from scripting.modules.topics import Topic, topics
from scripting.sandbox.protocol import Inputs, Shape


def runs_of(module: ScriptableModule | None, script: str, heard: Sequence[str] | None = None) -> tuple[Inputs, ...]:
    """By its topics, then by its endpoints; empty for a script that has neither, whose inputs nobody knows.

    `heard` are its topics; None: as the module's code says.
    """
    if module is None:
        return ()
    config = module.config
    handled = [topics.get(name) for name in (config.topics_of(script) if heard is None else heard) if name in topics]
    return (
        *(_of_topic(topic) for topic in handled),
        *(_of_endpoint(module, path) for path in config.endpoints_of(script)),
    )


def _of_topic(topic: Topic) -> Inputs:
    """As `Event.script_context` makes them."""
    message = {
        "topic": PLAIN,
        "user_id": PLAIN,
        "payload": shapes_of(topic.schema, topic.name),
        "metadata": ANYTHING,
    }
    plain = ("topic", "module", "timestamp", "event_id", "message_topic", "message_user_id", "message_payload")
    return Inputs(topic.name, {**dict.fromkeys(plain, PLAIN), "message": (Shape("message", message),)})


def _of_endpoint(module: ScriptableModule, path: str) -> Inputs:
    """As `EndpointRequest.script_context` makes them."""
    body, query = module.config.endpoint_bodies.get(path), module.config.endpoint_queries.get(path)
    request = {
        "method": PLAIN,
        "path": PLAIN,
        "headers": ANYTHING,
        "query": shapes_of(query, f"the query of {path}") if query else ANYTHING,
        "body": shapes_of(body, f"the body of {path}") if body else ANYTHING,
    }
    plain = ("module", "endpoint", "timestamp", "http_method", "http_path", "http_body")
    request_shape = (Shape("http_request", request),)
    return Inputs(f"request to {path}", {**dict.fromkeys(plain, PLAIN), "http_request": request_shape})
