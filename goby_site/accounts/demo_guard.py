"""Demo logins work from this machine alone: for requests and for sockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject

from goby_site.accounts.demo import demo_allowed, is_demo
from scripting.insight.from_here import made_here


class DemoLoginsFromHereOnly(MiddlewareMixin):
    """Makes a demo login's session count for nothing when the request comes from elsewhere."""

    def process_request(self, request: HttpRequest) -> None:
        user = request.user

        def checked() -> User | AnonymousUser:
            return AnonymousUser() if is_demo(user) and not demo_allowed(request) else user

        request.user = SimpleLazyObject(checked)  # type: ignore[assignment]


class DemoSocketsFromHereOnly:
    """The same for WebSockets: ASGI middleware that stands inside the one that sets the scope's user."""

    def __init__(self, inner: Callable[..., Awaitable[None]]) -> None:
        self.inner = inner

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        peer = (scope.get("client") or ("",))[0]
        headers = [name.decode("latin-1") for name, _ in scope["headers"]]
        if not made_here(peer, headers) and await sync_to_async(is_demo)(scope["user"]):
            scope = {**scope, "user": AnonymousUser()}
        await self.inner(scope, receive, send)
