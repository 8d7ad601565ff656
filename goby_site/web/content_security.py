"""The site's middleware: what the theme's pages add to the policy, and demo logins that stay on this machine."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from asgiref.sync import sync_to_async
from csp.constants import SELF, UNSAFE_EVAL
from csp.middleware import CSPMiddleware
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject

from goby_site.accounts.demo import are_loopback, demo_allowed, is_demo

THEMED = {"admin", "django_rq"}
"""Where the admin's theme draws the pages: its Alpine evaluates the expressions in its attributes. No style attribute is let through."""
THEME_ADDITIONS = {"script-src": [SELF, UNSAFE_EVAL]}
OWN_IN_ADMIN = re.compile(r"scripting_execution_(?!add$|history$|delete$)")
"""Views of the admin whose pages are drawn in scripting/frame.html, without the theme's scripts."""


class ContentSecurityPolicy(CSPMiddleware):
    """The policy of the settings, with what the theme needs on the theme's pages alone."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if is_themed(request):
            update = getattr(response, "_csp_update", None) or {}
            added = {name: [*update.get(name, []), *values] for name, values in THEME_ADDITIONS.items()}
            response._csp_update = update | added  # type: ignore[attr-defined]
        return super().process_response(request, response)


def is_themed(request: HttpRequest) -> bool:
    """Whether the page is one of the theme's."""
    match = request.resolver_match
    if match is None or match.app_name not in THEMED:
        return False
    return OWN_IN_ADMIN.match(match.url_name or "") is None


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
        # The header may come more than once: each names somebody.
        named = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        forwarded = b",".join(named).decode("latin-1")
        peer = (scope.get("client") or ("",))[0]
        if not are_loopback(peer, forwarded) and await sync_to_async(is_demo)(scope["user"]):
            scope = {**scope, "user": AnonymousUser()}
        await self.inner(scope, receive, send)
