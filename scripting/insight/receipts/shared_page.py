"""The pages of a shared decision: no login, no cookie, no script; nothing runs when one is opened."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import TypeAlias

import redis
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from scripting import clock
from scripting.insight.receipts.verifier_file import verifier_file
from scripting.models import SharedDecision
from scripting.receipts.sharing import root_of, shared_by
from scripting.storage.redis_client import briefly, key, redis_client

logger = logging.getLogger(__name__)

PER_MINUTE = 60
"""Answers that one address gets in a minute."""
WINDOW = 60
HEADERS = {
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}


View: TypeAlias = Callable[[SharedDecision, str], HttpResponseBase]


def _shared(view: View) -> Callable[..., HttpResponseBase]:
    """Answer 404 for a link that never was, 410 for one that has ended, 429 for too many; else what the view shows."""

    @require_safe
    @wraps(view)
    def answer(request: HttpRequest, token: str) -> HttpResponseBase:
        response = _answer(request, token, view)
        for name, value in HEADERS.items():
            response[name] = value
        return response

    return answer


def _answer(request: HttpRequest, token: str, view: View) -> HttpResponseBase:
    if _is_too_many(request):
        response = _notice(429, "Too many requests", "Wait a minute, and open the link again.")
        response["Retry-After"] = str(WINDOW)
        return response
    shared = shared_by(token)
    if shared is None:
        return _notice(
            404,
            "There is nothing here",
            "The link is incomplete or wrong. Ask the person who sent it to send it again.",
        )
    state = shared.state(clock.now())
    if state == "revoked":
        return _notice(410, "This link was revoked", "Who shared the decision has taken it back.")
    if state == "expired":
        words = f"It could be opened until {shared.expires_at:%Y-%m-%d}. Ask who shared it for a new link."
        return _notice(410, "This link has expired", words)
    return view(shared, token)


def _is_too_many(request: HttpRequest) -> bool:
    """Count the request for its address. Without Redis nothing is counted: opening one costs no more than a look-up."""
    address = request.META.get("REMOTE_ADDR", "")
    name = key("shared", address, int(clock.seconds() // WINDOW))
    try:
        with briefly(), redis_client().pipeline(transaction=False) as pipe:
            pipe.incr(name)
            pipe.expire(name, 2 * WINDOW)
            return int(pipe.execute()[0]) > PER_MINUTE
    except redis.RedisError:
        return False


def _notice(status: int, title: str, words: str) -> HttpResponse:
    content = render_to_string("scripting/shared_notice.html", {"title": title, "words": words})
    return HttpResponse(content, status=status)


@_shared
def page(shared: SharedDecision, token: str) -> HttpResponseBase:
    """Show what happened, by which rule, with which dice and what came of it."""
    context = {"shared": shared, "told": shared.page, "token": token, "root": root_of(shared)}
    return HttpResponse(render_to_string("scripting/shared_decision.html", context))


@_shared
def bundle(shared: SharedDecision, token: str) -> HttpResponseBase:
    """Download the bundle that the verifier checks."""
    name = f'attachment; filename="{shared.execution}.json"'
    return HttpResponse(shared.bundle, content_type="application/json", headers={"Content-Disposition": name})


@_shared
def verifier(shared: SharedDecision, token: str) -> HttpResponseBase:
    """Download the file that checks bundles."""
    return verifier_file()


urlpatterns: list[URLPattern] = [
    path("decided/<str:token>/", page, name="shared-decision"),
    path("decided/<str:token>/bundle.json", bundle, name="shared-bundle"),
    path("decided/<str:token>/offline.py", verifier, name="shared-verifier"),
]
