"""The site's middleware: the policy of the admin pages, and demo logins that stay on this machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from asgiref.sync import sync_to_async
from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject

from goby_site.demo import are_loopback, demo_allowed, is_demo

# The theme's Alpine evaluates the expressions in its attributes, and sets style attributes; no more than those two is allowed.
ADMIN_ADDITIONS = {"script-src": [UNSAFE_EVAL], "style-src-attr": [UNSAFE_INLINE]}


class ContentSecurityPolicy(CSPMiddleware):
    """The policy of the settings, with what the theme needs on the admin's pages."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path.startswith(reverse("admin:index")):
            update = getattr(response, "_csp_update", None) or {}
            added = {name: [*update.get(name, []), *values] for name, values in ADMIN_ADDITIONS.items()}
            response._csp_update = update | added  # type: ignore[attr-defined]
        return super().process_response(request, response)


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
        forwarded = dict(scope["headers"]).get(b"x-forwarded-for", b"").decode("latin-1")
        peer = (scope.get("client") or ("",))[0]
        if not are_loopback(peer, forwarded) and await sync_to_async(is_demo)(scope["user"]):
            scope = {**scope, "user": AnonymousUser()}
        await self.inner(scope, receive, send)
