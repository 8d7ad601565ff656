"""The WebSockets of scripting."""

from django.urls import URLPattern, path

from scripting.workbench.consumers import FollowingConsumer, WorkbenchConsumer

websocket_urlpatterns: list[URLPattern] = [
    path("ws/scripts/", FollowingConsumer.as_asgi()),
    path("ws/scripts/<slug:module>/<slug:name>/", WorkbenchConsumer.as_asgi()),
]
