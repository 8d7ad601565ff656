"""The API as a whole: its routers below /api/v1/, its description as OpenAPI 3.1, its JSON."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, re_path
from ninja import NinjaAPI
from ninja.parser import Parser
from ninja.renderers import BaseRenderer

from scripting.api import (
    access,
    documents,
    endpoints,
    events,
    executions,
    problems,
    releases,
    reviews,
    schedules,
    scripts,
    subscriptions,
    tests,
    watching,
)
from scripting.api.problems import MEDIA_TYPE, TITLES, Problem, ProblemDocument
from scripting.modules.installed import modules
from scripting.modules.topics import topics

MAX_BODY_BYTES = 4 << 20
ERRORS = (400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 502, 503)


class PlainParser(Parser):
    """Reads the bodies of requests."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Raises Problem."""
        try:
            length = int(request.headers.get("Content-Length") or 0)
        except ValueError:
            length = 0
        if length > MAX_BODY_BYTES:
            raise Problem(413, "too_large", f"A request may have {MAX_BODY_BYTES >> 20} MiB.")
        try:
            return documents.read(request.body)
        except (ValueError, RecursionError) as error:
            raise Problem(400, "not_json", f"The body is no JSON: {str(error)[:200]}") from None


class PlainRenderer(BaseRenderer):
    """Writes the bodies of answers."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> str:
        return documents.written(data)


api = NinjaAPI(
    title="Scripts",
    version="1",
    description="Publish events, run endpoints, read, check, try, replay and publish scripts. docs/api.md begins with examples.",
    docs_url=None,
    openapi_url=None,
    urls_namespace="scripting-api",
    auth=access.Token(),
    parser=PlainParser(),
    renderer=PlainRenderer(),
)
problems.install(api)
for router in (
    events.router,
    endpoints.router,
    scripts.router,
    releases.router,
    reviews.router,
    schedules.router,
    subscriptions.router,
    tests.router,
    executions.router,
    watching.router,
):
    api.add_router("", router)


@api.get("/openapi.json", include_in_schema=False)
def openapi(request: access.ApiRequest) -> HttpResponse:
    """This description, with the schemas of all topics and endpoints in it."""
    prefix = request.path.removesuffix("openapi.json")
    return HttpResponse(json.dumps(described(prefix)), content_type="application/json")


def described(prefix: str = "/") -> dict[str, Any]:
    """The API, which begins at `prefix`, as OpenAPI 3.1: every error is a problem, and every topic's payload a schema."""
    document: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix=prefix), default=str))
    schemas = document["components"]["schemas"]
    schemas["Problem"] = ProblemDocument.model_json_schema()
    for topic in topics:
        _add(schemas, f"topic.{topic.name}", topic.json_schema(), description=topic.description)
    _describe_endpoints(document)
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in document["paths"].values():
        for operation in operations.values():
            for status in ERRORS:
                operation["responses"].setdefault(str(status), {"description": TITLES[status], "content": problem})
    return document


def _describe_endpoints(document: dict[str, Any]) -> None:
    """Each endpoint of a module has an address of its own, with the body that it takes."""
    schemas, paths = document["components"]["schemas"], document["paths"]
    template = next(path for path in paths if path.endswith("/endpoints/{module}/{endpoint}"))
    anything = paths[template]["post"]
    anything["requestBody"] = {"content": {"application/json": {"schema": {}}}}
    for module in modules:
        for path, script in module.config.endpoint_scripts.items():
            dotted = f"{module.name}.{path.strip('/').replace('/', '.')}"
            operation = {name: value for name, value in anything.items() if name != "parameters"}
            operation |= {
                "operationId": f"{anything['operationId']}_{re.sub(r'[^A-Za-z0-9]', '_', dotted)}",
                "summary": f"Run {module.name}/{script}",
                "responses": dict(anything["responses"]),
            }
            if (body := module.config.endpoint_bodies.get(path)) is not None:
                _add(schemas, f"endpoint.{dotted}", msgspec.json.schema(body))
                reference = {"$ref": f"#/components/schemas/endpoint.{dotted}"}
                operation["requestBody"] = {"content": {"application/json": {"schema": reference}}}
            paths[template.replace("{module}/{endpoint}", f"{module.name}/{path.strip('/')}")] = {"post": operation}


def _add(schemas: dict[str, Any], name: str, schema: dict[str, Any], **more: str) -> None:
    """A schema under a name; its own definitions stand beside it, since generators of clients look nowhere else."""
    text = json.dumps(schema).replace('"#/$defs/', f'"#/components/schemas/{name}.')
    found: dict[str, Any] = json.loads(text)
    for part, definition in found.pop("$defs", {}).items():
        definition.pop("title", None)  # which several have, and classes are named by
        schemas[f"{name}.{part}"] = definition
    reference = found.pop("$ref", "").removeprefix("#/components/schemas/")
    is_its_own = text.count(f'"#/components/schemas/{reference}"') == 1
    top = {} if not reference else schemas.pop(reference) if is_its_own else schemas[reference]
    schemas[name] = {**top, **found, **more}


def urls() -> list[URLPattern]:
    """Where the API is, below whatever prefix it is included at; everything else there is a problem as well."""
    found = (pattern for pattern in api.urls[0] if isinstance(pattern, URLPattern))
    patterns = [pattern for pattern in found if pattern.name != "api-root"]
    for pattern in patterns:
        pattern.callback = problems.in_json(pattern.callback)
    return [*patterns, re_path("", problems.in_json(problems.without_address))]
