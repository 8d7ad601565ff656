"""The answer where a request failed: 503 while the database is unavailable, since later it may work; 500 for everything else."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views import defaults
from django.views.decorators.csrf import requires_csrf_token

from scripting.endpoints import problem, wants_json
from scripting.storage import database

RETRY_SECONDS = 5


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500; in JSON to who asks for that."""
    error = sys.exc_info()[1]
    if database.is_unavailable(error):
        assert error is not None
        database.outage.note(error)
        return unavailable(request)
    if wants_json(request):
        return problem(500, "failed", "the server failed; what happened is in its log")
    return defaults.server_error(request)


def unavailable(request: HttpRequest) -> HttpResponse:
    """503, told to the log as one outage instead of as each request's traceback."""
    if wants_json(request):
        message = "the database does not answer or takes no writes now: nothing was changed. Try again in a moment."
        response: HttpResponse = problem(503, "unavailable", message)
    else:
        response = HttpResponse(render_to_string("503_database.html"), status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    response._has_been_logged = True  # type: ignore[attr-defined] # Django would log it with its traceback
    return response
