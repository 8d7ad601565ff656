"""The ASGI application: that of scripting, with the battle's sockets, real clients, bounded bodies, and demo logins of this machine."""

from __future__ import annotations

import os

from django.apps import apps
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.handlers.asgi import ASGIHandler

from scripting.routing import asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "goby_site.settings")
# Sets Django up, if the process that this one was forked from has not: what is imported below needs its apps.
http = ASGIHandler() if apps.ready else get_asgi_application()

from goby_site.accounts.demo_guard import DemoSocketsFromHereOnly  # noqa: E402
from goby_site.web.body_limit import BoundedBodies  # noqa: E402
from goby_site.web.health import Alive  # noqa: E402
from goby_site.web.proxies import RealClients  # noqa: E402
from wargame.routing import websocket_urlpatterns  # noqa: E402

application = Alive(
    RealClients(
        asgi_application(
            BoundedBodies(http), sockets=websocket_urlpatterns(), guard=DemoSocketsFromHereOnly, express=True
        ),
        settings.GOBY_PROXIES,
    )
)
