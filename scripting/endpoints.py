"""Endpoint scripts over HTTP, one dispatcher for every module: GET shows, POST runs the script of that path."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views import View, csrf, defaults
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from scripting.engine import get_engine
from scripting.execution.admission import TooManyExecutions
from scripting.modules.http_requests import EndpointRequest, RequestMisfit
from scripting.modules.installed import modules
from scripting.sandbox.protocol import encode_value
from scripting.texts.plain_json import jsonable
from scripting.types import ExecutionRequest, ScriptInput, ScriptOutput

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 256 << 10
MAX_BODY_DEPTH = 32
"""Containers inside one another, as in an event's payload."""
MAX_QUERY_ITEMS = 200
# What a script may set on its answer. A cookie, a redirect or a policy is never a script's to give.
ANSWER_HEADERS = frozenset({"cache-control", "content-language", "x-script"})


def endpoint_urls(
    module_name: str, *, template: str | None = None, permission: str = "scripting.run_script"
) -> list[URLPattern]:
    """The URL patterns of a module's endpoint scripts, to be included where the module's addresses begin.

    Modules may have endpoints of one path: include each module below a prefix of its own, and name them by `endpoint_name`.

    `template` renders GET (with `endpoint`, `module`, `script`); without one GET answers JSON. `permission` is what POST takes.
    Raises LookupError for a module that is not registered.
    """
    module = modules.get(module_name)
    if module is None:
        raise LookupError(f"there is no module {module_name}: register it in its app's ready()")
    return [
        path(
            endpoint.lstrip("/"),
            EndpointView.as_view(
                module_name=module_name, endpoint=endpoint, script=script, template=template, permission=permission
            ),
            name=endpoint_name(module_name, endpoint),
        )
        for endpoint, script in module.config.endpoint_scripts.items()
    ]


def endpoint_name(module_name: str, endpoint: str) -> str:
    """The name of an endpoint's URL, which no other module's can be: `/debug/roll` of `dice` → `dice/debug/roll`."""
    return f"{module_name}/{endpoint.lstrip('/')}"


@dataclass(frozen=True)
class Endpoint:
    """A path of a module, and the script that answers there."""

    module: str
    path: str
    script: str

    def run(self, given: EndpointRequest, *, user_id: str, request: HttpRequest) -> tuple[ScriptOutput, str]:
        """The outcome, committed; and the path of what does not fit the endpoint's schema, empty where it fits.

        Raises TooManyExecutions.
        """
        module = modules.get(self.module)
        assert module is not None
        try:
            fitted = given.fitted(module, self.path)
        except RequestMisfit as misfit:
            asked = self._asked(given.script_context(module, self.path), user_id, request)
            return get_engine().refuse(asked, str(misfit)), misfit.field
        return get_engine().execute(self._asked(fitted.script_context(module, self.path), user_id, request)), ""

    def _asked(self, context: dict[str, Any], user_id: str, request: HttpRequest) -> ExecutionRequest:
        return ExecutionRequest(
            self.module,
            self.script,
            ScriptInput(context),
            trigger="endpoint",
            user_id=user_id,
            request_id=request.headers.get("X-Request-ID", "")[:64],
            queue_deadline=1.0,
        )


@method_decorator([never_cache, csrf_protect], name="dispatch")
class EndpointView(View):
    """One endpoint of one module. CSRF is checked here too, whatever the site's middleware does."""

    http_method_names = ["get", "head", "post", "options"]
    module_name = ""
    endpoint = ""
    script = ""
    template: str | None = None
    permission = "scripting.run_script"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Safe: runs nothing."""
        shown = {
            "endpoint": self.endpoint,
            "module": self.module_name,
            "script": self.script,
            "method": "POST",
            "permission": self.permission,
            "may_run": request.user.has_perm(self.permission),
        }
        if self.template is not None:
            return render(request, self.template, shown)
        return JsonResponse(shown)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Runs the script; its Execution is committed before the caller gets the answer."""
        if not request.user.is_authenticated and not wants_json(request):
            return redirect_to_login(request.get_full_path())
        if not request.user.has_perm(self.permission):
            if wants_json(request):
                return problem(403, "forbidden", f"running {self.script} needs the permission {self.permission}")
            raise PermissionDenied(f"Running {self.script} needs the permission {self.permission}.")
        body = bounded_body(request)
        if body is None:
            return problem(413, "too_large", f"a request's body may have {MAX_BODY_BYTES} bytes")
        endpoint = Endpoint(self.module_name, self.endpoint, self.script)
        try:
            output, field = endpoint.run(request_of(request, body), user_id=str(request.user.pk), request=request)
        except TooManyExecutions as error:
            return problem(503, "busy", str(error))
        return refusal(output, field) if field else answer(output)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """405; in JSON to who asks for that."""
        refused = super().http_method_not_allowed(request, *args, **kwargs)
        if not wants_json(request):
            return refused
        told = problem(405, "method", f"this address takes {refused['Allow']}")
        told["Allow"] = refused["Allow"]
        return told


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW; in JSON to who asks for that."""
    if wants_json(request):
        return problem(403, "csrf", f"{reason} Send the site's csrftoken cookie, and its value as X-CSRFToken.")
    return csrf.csrf_failure(request, reason)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400; in JSON to who asks for that."""
    if wants_json(request):
        return problem(400, "bad_request", "the request cannot be read")
    return defaults.bad_request(request, exception)


# -- the request -------------------------------------------------------------------------------------------------------


def request_of(request: HttpRequest, body: str) -> EndpointRequest:
    assert request.method is not None
    return EndpointRequest(
        request.method,
        request.path,
        body,
        decoded_body(request, body),
        request.headers,
        flat_query(request),
        is_form(request),
    )


def wants_json(request: HttpRequest) -> bool:
    return (
        request.content_type == "application/json"
        or request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    )


def bounded_body(request: HttpRequest) -> str | None:
    """The body as text, or None when it is too large. A form's CSRF token is not part of what a script sees."""
    try:
        if int(request.headers.get("Content-Length") or 0) > MAX_BODY_BYTES:
            return None
        if is_form(request):  # its stream may have been read already, to find the CSRF token
            fields = request.POST.copy()
            fields.pop("csrfmiddlewaretoken", None)
            text = fields.urlencode()
        else:
            text = request.body.decode("utf-8", "replace")
    except (RequestDataTooBig, ValueError):
        return None
    return text if len(text) <= MAX_BODY_BYTES else None


def is_form(request: HttpRequest) -> bool:
    return request.content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}


def decoded_body(request: HttpRequest, body: str) -> Any:
    """A form's fields or JSON as data, anything else as text. Numbers too large for plain data stay text, and so does all of
    a JSON body that no script could be given: nested too deeply, or with half a character in it."""
    if is_form(request):
        return {key: values[-1] for key, values in request.POST.lists() if key != "csrfmiddlewaretoken"}
    if request.content_type == "application/json":
        try:
            decoded = json.loads(body, parse_int=_small_int) if body else None
            encode_value(decoded, max_depth=MAX_BODY_DEPTH)
        except (ValueError, RecursionError):
            return body
        return decoded
    return body


def _small_int(digits: str) -> int | str:
    if len(digits) > 20:
        return digits
    number = int(digits)
    return number if -(2**63) <= number < 2**63 else digits


def flat_query(request: HttpRequest) -> dict[str, str]:
    """The last value of each key of the query."""
    return {key: values[-1] for key, values in list(request.GET.lists())[:MAX_QUERY_ITEMS] if values}


# -- the answer --------------------------------------------------------------------------------------------------------


def answer(output: ScriptOutput) -> HttpResponse:
    """The script's result as a response; the caller's fault is a 422, any other failure a 502, and the built-in rule's
    answer is marked as such."""
    if output.refused:
        return refusal(output)
    if output.error is not None or output.status == "cancelled":
        return failure(output)
    fell_back = output.status != "succeeded"
    status, body, headers = shaped(output.result)
    if isinstance(body, str) and not fell_back:
        response = HttpResponse(
            body.encode("utf-8", "replace"), status=status, content_type="text/plain; charset=utf-8"
        )
    elif fell_back:
        note = {
            "fallback": True,
            "decided_by": output.version.origin if output.version else "built_in",
            "result": jsonable(body),
        }
        response = JsonResponse(note, status=status)
    else:
        response = JsonResponse(jsonable(body), status=status, safe=False)
    for name, value in headers.items():
        response[name] = value
    if output.execution_id:
        response["X-Execution"] = output.execution_id
    response["X-Content-Type-Options"] = "nosniff"
    return response


def shaped(result: Any) -> tuple[int, Any, dict[str, str]]:
    """Status, body and headers of a result {"status", "body", "headers"?}; any other result is the body itself."""
    if not (isinstance(result, Mapping) and {"status", "body"} <= result.keys() <= {"status", "body", "headers"}):
        return 200, result, {}
    status = result["status"]
    if not isinstance(status, int) or isinstance(status, bool) or not (200 <= status < 300 or 400 <= status < 600):
        return 200, result, {}
    given = result.get("headers")
    headers = {
        name: value
        for name, value in (given.items() if isinstance(given, Mapping) else ())
        if name.lower() in ANSWER_HEADERS and isinstance(value, str) and value.isprintable() and value.isascii()
    }
    return status, result["body"], headers


def refusal(output: ScriptOutput, field: str = "") -> JsonResponse:
    """422: the caller has something to mend; `field` is the path of what does not fit."""
    document = described(output) | {"type": "refused"}
    return JsonResponse(
        {"error": document | ({"field": field} if field else {}), "execution": output.execution_id}, status=422
    )


def failure(output: ScriptOutput) -> JsonResponse:
    """502: the script failed and it had no fallback."""
    return JsonResponse({"error": described(output), "execution": output.execution_id}, status=502)


def described(output: ScriptOutput) -> dict[str, Any]:
    """Say what went wrong, and at which place of which script."""
    error = output.error
    return {
        "type": error.type.value if error else "cancelled",
        "message": error.message if error else "the execution was cancelled",
        "script": error.script if error else "",
        "line": error.line if error else None,
        "column": error.column if error else None,
    }


def problem(status: int, kind: str, message: str) -> JsonResponse:
    return JsonResponse({"error": {"type": kind, "message": message}}, status=status)
