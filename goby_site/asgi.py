"""The ASGI application: HTTP through Django, WebSockets of this site's own pages through Channels."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "goby_site.settings")
http = get_asgi_application()  # sets Django up: what is imported below needs its apps

from goby_site.accounts.demo_guard import DemoSocketsFromHereOnly  # noqa: E402
from goby_site.web.body_limit import BoundedBodies  # noqa: E402
from scripting.hot_reload.listener import Listener  # noqa: E402
from scripting.processes.startup import freeze_startup_objects  # noqa: E402
from scripting.routing import websocket_urlpatterns as scripting_sockets  # noqa: E402
from wargame.routing import websocket_urlpatterns as wargame_sockets  # noqa: E402


async def lifespan(
    _scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """From the server's start to its end this process listens for new versions of scripts."""
    listener = Listener("web")
    while (await receive())["type"] == "lifespan.startup":
        await asyncio.to_thread(listener.start)
        _ = get_resolver().url_patterns  # loads the pages, which the first request would wait for
        freeze_startup_objects()
        await send({"type": "lifespan.startup.complete"})
    await asyncio.to_thread(listener.stop)
    await send({"type": "lifespan.shutdown.complete"})


sockets = URLRouter([*scripting_sockets, *wargame_sockets])
application = ProtocolTypeRouter(
    {
        "http": BoundedBodies(http),
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(DemoSocketsFromHereOnly(sockets))),
        "lifespan": lifespan,
    }
)
