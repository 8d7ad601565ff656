"""The WebSockets of scripting."""

from django.urls import URLPattern

websocket_urlpatterns: list[URLPattern] = []
