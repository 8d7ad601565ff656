"""Run a module's endpoint for a machine: the same admission, record and answer as for a browser."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from ninja import Router

from scripting import endpoints
from scripting.api.access import ApiRequest, demand
from scripting.api.problems import Problem
from scripting.api.shapes import failure_of
from scripting.endpoints import Endpoint, bounded_body, request_of
from scripting.models.tokens import Action
from scripting.modules.installed import modules

router = Router(tags=["endpoints"])


@router.post("/endpoints/{module}/{path:endpoint}", response=Any)
def run(request: ApiRequest, module: str, endpoint: str) -> HttpResponse:
    """Run the script of an endpoint on this request's body and query: its answer is the response."""
    installed, path = modules.get(module), f"/{endpoint}"
    script = installed.config.endpoint_scripts.get(path) if installed else None
    if script is None:
        raise Problem(404, "no_endpoint", f"{module} has no endpoint {path}.")
    demand(request, Action.ENDPOINTS, f"{module}/{script}")
    body = bounded_body(request)
    if body is None:
        raise Problem(413, "too_large", f"A request's body may have {endpoints.MAX_BODY_BYTES} bytes.")
    user = request.auth.user
    output, field = Endpoint(module, path, script).run(request_of(request, body), user_id=str(user.pk), request=request)
    if output.refused:
        message = output.error.message if output.error else ""
        raise Problem(422, "refused", message, field=field, execution=output.execution_id)
    if output.error is not None or output.status == "cancelled":
        failure = failure_of(output.error)
        raise Problem(
            502,
            "script_failed",
            failure.message if failure else "The execution was cancelled.",
            error=failure.model_dump() if failure else None,
            execution=output.execution_id,
        )
    return endpoints.answer(output)
