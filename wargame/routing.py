"""The WebSockets of wargame."""

from django.urls import URLPattern

websocket_urlpatterns: list[URLPattern] = []
