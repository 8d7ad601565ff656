"""`/metrics` for Prometheus: closed, unless SCRIPTING_METRICS_TOKEN or SCRIPTING_METRICS_NETWORKS opens it."""

from __future__ import annotations

import secrets
import threading
import time

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from scripting.conf import conf, networks_in
from scripting.insight.from_here import made_inside
from scripting.insight.prometheus import registry
from scripting.storage.redis_client import briefly

KEEP_SECONDS = 1.0
"""How old an answer may be."""


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures as text; 403 for whoever may not have them."""
    if not may_read(request):
        return HttpResponse(
            "Metrics are for who sends SCRIPTING_METRICS_TOKEN as bearer token, or asks from one of SCRIPTING_METRICS_NETWORKS.\n",
            status=403,
            content_type="text/plain; charset=utf-8",
        )
    return HttpResponse(_answer.text(), content_type=CONTENT_TYPE_LATEST)


class _Answer:
    """The last answer, for KEEP_SECONDS: several who ask at once have it made once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made_at = float("-inf")
        self._text = b""

    def text(self) -> bytes:
        with self._lock:
            if time.monotonic() - self._made_at >= KEEP_SECONDS:
                with briefly():
                    self._text = generate_latest(registry())
                self._made_at = time.monotonic()
            return self._text


_answer = _Answer()


def may_read(request: HttpRequest) -> bool:
    """With a token set, only who brings it; without one, only who asks from an open network and not through a proxy."""
    token = conf.SCRIPTING_METRICS_TOKEN
    if token:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return secrets.compare_digest(given.encode(), token.encode())
    networks = networks_in(conf.SCRIPTING_METRICS_NETWORKS)
    return made_inside(networks, request.META.get("REMOTE_ADDR", ""), request.headers)


urlpatterns: list[URLPattern] = [path("metrics", metrics, name="metrics")]
