"""The ASGI application: HTTP through Django, WebSockets of this site's own pages through Channels."""

from __future__ import annotations

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "goby_site.settings")
http = get_asgi_application()  # sets Django up: what is imported below needs its apps

from scripting.routing import websocket_urlpatterns as scripting_sockets  # noqa: E402
from wargame.routing import websocket_urlpatterns as wargame_sockets  # noqa: E402

sockets = URLRouter([*scripting_sockets, *wargame_sockets])
application = ProtocolTypeRouter({"http": http, "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(sockets))})
