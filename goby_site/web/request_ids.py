"""Each request's id: a proxy's X-Request-ID or one of ours; on each line of the log meanwhile, and in the answer."""

from __future__ import annotations

import re
import uuid

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin
from structlog.contextvars import bind_contextvars, unbind_contextvars

HEADER = "X-Request-ID"
_FIT = re.compile(r"[A-Za-z0-9._:/+=@-]{1,64}")
"""Request ids that executions can be found by and a log can hold as they are."""


class RequestIds(MiddlewareMixin):
    """Views read the id from the header, which is there whether or not one was sent."""

    def process_request(self, request: HttpRequest) -> None:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request.META["HTTP_X_REQUEST_ID"] = chosen = given if _FIT.fullmatch(given) else uuid.uuid4().hex
        bind_contextvars(request_id=chosen)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers[HEADER] = request.META["HTTP_X_REQUEST_ID"]
        unbind_contextvars("request_id")
        return response
