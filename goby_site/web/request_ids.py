"""Each request's id: a proxy's X-Request-ID or one of ours; on each line of the log meanwhile, and in the answer."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin
from structlog.contextvars import bind_contextvars, unbind_contextvars

from scripting.telemetry import spans
from scripting.texts.request_ids import HEADER, fitting


class RequestIds(MiddlewareMixin):
    """Views read the id from the header, which is there whether or not one was sent."""

    def process_request(self, request: HttpRequest) -> None:
        request.META["HTTP_X_REQUEST_ID"] = chosen = fitting(request.META.get("HTTP_X_REQUEST_ID", ""))
        bind_contextvars(request_id=chosen)
        if spans.on() and (trace := spans.trace_id(spans.fitting(request.META.get("HTTP_TRACEPARENT", "")))):
            bind_contextvars(trace_id=trace)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers[HEADER] = request.META["HTTP_X_REQUEST_ID"]
        unbind_contextvars("request_id", "trace_id")
        return response
