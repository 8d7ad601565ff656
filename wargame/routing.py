"""The WebSockets of wargame."""

from django.urls import URLPattern, path

from wargame.consumers import GameFeedConsumer, GameHtmlConsumer

websocket_urlpatterns: list[URLPattern] = [
    path("ws/wargame/<int:game>/html/", GameHtmlConsumer.as_asgi()),
    path("ws/wargame/<int:game>/feed/", GameFeedConsumer.as_asgi()),
]
