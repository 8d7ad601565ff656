"""Views that read from the replica for pages: they say how old what they show is, and go back to the main database where that is better."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from scripting.conf import conf
from scripting.storage import pages_database
from scripting.storage.pages_database import PRIMARY, Source

ACTED = "scripting_acted"
"""The cookie of who changed something a moment ago, and is to see that."""

source: ContextVar[Source] = ContextVar("source", default=PRIMARY)
"""Where the page that is made now reads."""

View = Callable[..., HttpResponse]


def may_lag(view: View) -> View:
    """For a view that only reads: of the replica, unless who asks acted a moment ago, or it is unavailable or too far behind."""

    @functools.wraps(view)
    def reading(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        chosen = choose(request)
        if not chosen.alias:
            return _under(chosen, view, request, *args, **kwargs)
        try:
            return _under(chosen, view, request, *args, **kwargs)
        except (OperationalError, InterfaceError):  # it ended meanwhile, or had to take back rows that the query read
            return _under(pages_database.unavailable(), view, request, *args, **kwargs)

    return reading


def choose(request: HttpRequest) -> Source:
    """The source for this request."""
    return PRIMARY if ACTED in request.COOKIES else pages_database.choose()


def _under(chosen: Source, view: View, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    token = source.set(chosen)
    try:
        with pages_database.reading_from(chosen.alias):
            return view(request, *args, **kwargs)
    finally:
        source.reset(token)


class WhoActs(MiddlewareMixin):
    """For MIDDLEWARE: whoever changes something reads the main database until the replica has it, at the latest."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if conf.SCRIPTING_PAGES_DATABASE and request.method not in {"GET", "HEAD", "OPTIONS"}:
            seconds = max(1, round(conf.SCRIPTING_PAGES_MAX_LAG + 1))
            response.set_cookie(ACTED, "1", max_age=seconds, secure=request.is_secure(), httponly=True, samesite="Lax")
        return response
