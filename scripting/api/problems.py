"""Problems: what went wrong with a request, as RFC 9457 has it, whoever found it out."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import redis
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, DataError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from scripting.bus import NotAcknowledged, Overloaded
from scripting.execution.admission import TooManyExecutions
from scripting.modules.topics import TopicError
from scripting.storage import database, redis_errors
from scripting.supervisor.errors import SandboxUnavailable, SupervisorError

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "The request cannot be read",
    401: "A valid token is needed",
    403: "This token may not do that",
    404: "There is nothing at this address",
    405: "This address does not take this method",
    409: "It is not as the request takes it to be",
    413: "The request is too large",
    422: "The request does not fit",
    429: "Too many requests",
    500: "The server failed",
    502: "The script failed",
    503: "Come back later",
}


UNKNOWN = (
    "Redis does not answer: whether an event was accepted is unknown. "
    "Send it again with the same id: it takes effect once."
)


class ProblemDocument(Schema):
    """The body of every answer that is an error."""

    type: str
    title: str
    status: int
    detail: str
    code: str


class Problem(Exception):
    """A request that is not carried out: what is wrong, whose fault it is, what to do."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.more = status, code, detail, more
        self.headers = dict(headers or {})


def answer(problem: Problem) -> HttpResponse:
    """The problem as a response."""
    document = {
        "type": "about:blank",
        "title": TITLES[problem.status],
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        **problem.more,
    }
    headers = {"Cache-Control": "no-store", **problem.headers}
    return HttpResponse(json.dumps(document), content_type=MEDIA_TYPE, status=problem.status, headers=headers)


def _of_validation(error: ValidationError) -> Problem:
    """Which fields do not fit."""
    errors = [{"at": ".".join(map(str, each["loc"][1:])), "message": each["msg"]} for each in error.errors]
    first = f"{errors[0]['at']}: {errors[0]['message']}" if errors else "it does not fit"
    return Problem(422, "does_not_fit", first, errors=errors)


def _of_http_error(error: HttpError) -> Problem:
    if isinstance(error.__cause__, Problem):  # the framework says of a body only that it cannot be parsed
        return error.__cause__
    status = error.status_code if error.status_code in TITLES else 400
    return Problem(status, "not_json" if status == 400 else "refused", str(error))


def _of_database(error: Exception) -> Problem:
    if not database.is_unavailable(error):
        return _unexpected(error)
    database.outage.note(error)
    return later(
        "unavailable",
        "The database does not answer or takes no writes now: nothing was changed. Send it again later.",
        5,
    )


def _of_redis(error: redis.RedisError) -> Problem:
    if code := redis_errors.code_of(error):
        redis_errors.noted(error)
        return later(
            "unavailable", f"{redis_errors.RedisRefused(code)}. Send it again later, an event with the same id.", 5
        )
    return later("unavailable", UNKNOWN)


def _unacknowledged(events: Sequence[str]) -> Problem:
    return later("unavailable", UNKNOWN, 1, **({"event": events[0]} if len(events) == 1 else {}))


def _unexpected(error: Exception) -> Problem:
    logger.error("a request of the API failed", exc_info=error)
    return Problem(500, "failed", "The server failed; the request may have been carried out or not. It is in the log.")


OF: Mapping[type[Exception], Callable[[Any], Problem]] = {
    Problem: lambda problem: problem,
    ValidationError: _of_validation,
    HttpError: _of_http_error,
    AuthenticationError: lambda _: Problem(
        401,
        "no_token",
        "Send a valid token: Authorization: Bearer goby_…",
        headers={"WWW-Authenticate": 'Bearer realm="goby"'},
    ),
    Http404: lambda error: Problem(404, "not_found", str(error) or "There is nothing at this address."),
    RequestDataTooBig: lambda _: Problem(413, "too_large", "The request is too large: send less at once."),
    TopicError: lambda error: Problem(422, "does_not_fit", str(error)),
    TooManyExecutions: lambda error: later("busy", str(error)),
    SandboxUnavailable: lambda error: later("unavailable", f"No sandbox could be started: {error}"),
    SupervisorError: lambda error: later("unavailable", f"The run ended without an outcome: {error}"),
    Overloaded: lambda error: later("overloaded", f"{error}.", error.seconds),
    NotAcknowledged: lambda error: _unacknowledged(error.events),
    redis.RedisError: _of_redis,
    DataError: lambda _: Problem(422, "does_not_fit", "A value of the request is none that is stored here: too large, or text with the character NUL."),
    DatabaseError: _of_database,
    InterfaceError: _of_database,
    Exception: _unexpected,
}  # fmt: skip
"""Every exception that may end a request, as the problem it is."""


def of(error: Exception) -> Problem:
    """The problem that an exception is."""
    return next(OF[kind] for kind in type(error).__mro__ if kind in OF)(error)


def later(code: str, detail: str, seconds: int = 1, **more: Any) -> Problem:
    """503: nothing is wrong with the request."""
    return Problem(503, code, detail, headers={"Retry-After": str(seconds)}, **more)


def install(api: NinjaAPI) -> None:
    """Let the API answer with problems, whatever happens."""
    for kind, made in OF.items():
        api.add_exception_handler(kind, _answering(made))


def _answering(made: Callable[[Any], Problem]) -> Callable[[HttpRequest, Any], HttpResponse]:
    return lambda _request, error: answer(made(error))


def without_address(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """The view of all that is no address of the API."""
    return answer(
        Problem(404, "not_found", "There is nothing at this address. The addresses of the API are in its openapi.json.")
    )


def in_json(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view whose 405 is a problem too."""

    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        response = view(request, *args, **kwargs)
        if response.status_code == 405:
            allowed = response["Allow"]
            return answer(Problem(405, "method", f"This address takes {allowed}.", headers={"Allow": allowed}))
        return response

    answered.csrf_exempt = True  # type: ignore[attr-defined] # no cookie opens anything here
    return answered
