"""ASGI middleware: a span for each request that may change something, or whose caller has one; below its caller's, by `traceparent`.

Views and middleware behind it find the span's own traceparent in the header, so that the trace goes on from there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.urls import Resolver404, resolve

from scripting.telemetry import spans

READING = frozenset({"GET", "HEAD", "OPTIONS"})
HEADER = b"traceparent"


class TracedRequests:
    """The middleware; a site has it only while tracing is on."""

    def __init__(self, inner: Callable[..., Awaitable[None]]) -> None:
        self._inner = inner

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        given = [value.decode("latin-1") for name, value in scope["headers"] if name == HEADER]
        parent = spans.fitting(given[0]) if len(given) == 1 else ""
        if scope["type"] != "http" or (scope["method"] in READING and not parent):
            await self._inner(scope, receive, send)
            return
        route = _route(scope["path"])
        values = {"http.request.method": scope["method"], "url.scheme": scope.get("scheme"), "http.route": route}
        name = f"{scope['method']} {route}".strip()
        with spans.span(name, "server", parent=parent, attributes=values) as span:

            async def sending(message: MutableMapping[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    span.add({"http.response.status_code": message["status"]})
                    if message["status"] >= 500:
                        span.fail(f"status {message['status']}")
                await send(message)

            headers = [(name, value) for name, value in scope["headers"] if name != HEADER]
            headers.append((HEADER, span.traceparent.encode()))
            await self._inner({**scope, "headers": headers}, receive, sending)


def _route(path: str) -> str:
    """The pattern of the address, which names no id; empty where nothing is."""
    try:
        return f"/{resolve(path).route}"
    except Resolver404:
        return ""
