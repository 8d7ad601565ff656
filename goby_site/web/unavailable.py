"""The answer where a request failed: 503 while the database or Redis is unavailable, since later it may work; 500 for everything else."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views import defaults
from django.views.decorators.csrf import requires_csrf_token
from redis import RedisError

from scripting.endpoints import problem, wants_json
from scripting.storage import database, redis_errors

RETRY_SECONDS = 5


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500; in JSON to who asks for that."""
    error = sys.exc_info()[1]
    if database.is_unavailable(error):
        assert error is not None
        database.outage.note(error)
        return unavailable(request)
    if isinstance(error, RedisError) and redis_errors.noted(error):
        return _later(request, f"{redis_errors.told(error)}. Try again in a moment.", "503.html")
    if wants_json(request):
        return problem(500, "failed", "the server failed; what happened is in its log")
    return defaults.server_error(request)


def unavailable(request: HttpRequest) -> HttpResponse:
    """503, told to the log as one outage instead of as each request's traceback."""
    message = "the database does not answer or takes no writes now: nothing was changed. Try again in a moment."
    return _later(request, message, "503_database.html")


def _later(request: HttpRequest, message: str, page: str) -> HttpResponse:
    if wants_json(request):
        response: HttpResponse = problem(503, "unavailable", message)
    else:
        response = HttpResponse(render_to_string(page), status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    response._has_been_logged = True  # type: ignore[attr-defined] # Django would log it with its traceback
    return response
