"""The site as one ASGI application: HTTP through Django, the workbench's WebSockets, and what this process must hear of.

A site's asgi.py needs one call: `application = asgi_application()`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, URLPattern, get_script_prefix, path, reverse

from scripting.conf import conf

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApplication = Callable[[Any, Any, Any], Awaitable[None]]

logger = logging.getLogger(__name__)


def asgi_application(
    http: ASGIApplication | None = None,
    *,
    sockets: Iterable[URLPattern] = (),
    guard: Callable[[ASGIApplication], ASGIApplication] | None = None,
    express: bool = False,
) -> ASGIApplication:
    """The application of a site whose URLs include `scripting.urls`.

    `http` takes the requests (default: Django's own application, which is set up then), `sockets` are the site's own WebSockets beside ours, and
    `guard` is put around all of them, behind the checks of origin and login. `express` answers requests to publish an event before `http`, and so
    before Django's middleware: many times as fast (it needs the extra `api`). Raises ImproperlyConfigured.
    """
    if http is None:
        http = get_asgi_application()
    if express:
        from scripting.api.express import Express  # needs Django's apps

        http = Express(http)
    if conf.SCRIPTING_TRACING:
        from scripting.telemetry.requests import TracedRequests

        http = TracedRequests(http)
    routed = URLRouter([*websocket_urlpatterns(), *sockets])
    guarded = routed if guard is None else guard(routed)
    application: ASGIApplication = ProtocolTypeRouter(
        {
            "http": http,
            "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(guarded)),
            "lifespan": lifespan,
        }
    )
    return application


def websocket_urlpatterns() -> list[URLPattern]:
    """The workbench's sockets, below the prefix at which the site includes `scripting.urls`."""
    from scripting.workbench.consumers import FollowingConsumer, WorkbenchConsumer  # needs Django's apps

    try:
        root = reverse("scripting-sockets").removeprefix(get_script_prefix())
    except NoReverseMatch:
        hint = 'add path("rules/", include("scripting.urls")) to the URLs of ROOT_URLCONF'
        raise ImproperlyConfigured(f"the pages of scripting have no address: {hint}") from None
    return [
        path(root, FollowingConsumer.as_asgi()),
        path(f"{root}<slug:module>/<slug:name>/", WorkbenchConsumer.as_asgi()),
    ]


async def lifespan(_scope: Scope, receive: Receive, send: Send) -> None:
    """From the server's start to its end this process listens for new versions of scripts.

    Under a server without the lifespan protocol (daphne) nothing is lost: each run looks for newer versions all the same.
    """
    from scripting.hot_reload.listener import Listener
    from scripting.processes import systemd
    from scripting.processes.startup import prepare_to_serve

    listener = Listener("web")
    watched: asyncio.Task[None] | None = None
    while (await receive())["type"] == "lifespan.startup":
        await asyncio.to_thread(listener.start)
        await asyncio.to_thread(tell_what_is_missing)
        prepare_to_serve()
        await send({"type": "lifespan.startup.complete"})
        systemd.ready("answers requests")
        watched = asyncio.create_task(systemd.stay_alive())
    systemd.stopping()
    await asyncio.to_thread(listener.stop)
    if watched is not None:
        watched.cancel()
    await send({"type": "lifespan.shutdown.complete"})


def tell_what_is_missing() -> None:
    """Log what the system checks find wrong with the settings: a server, unlike manage.py, starts all the same."""
    from scripting.checks import ENGINE, PAGES

    for found in run_checks(tags=[ENGINE, PAGES]):
        logger.log(found.level, "%s", found)
