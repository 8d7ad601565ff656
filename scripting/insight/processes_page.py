"""The live processes and what each has loaded, as a page and as JSON."""

from __future__ import annotations

from typing import Any

import redis
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from scripting.hot_reload.fleet import Loading, Overview, overview
from scripting.insight.frame import admin_page
from scripting.processes.members import Process


@never_cache
@require_safe
@login_required
@permission_required("scripting.view_script", raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    """Processes, and how far each script's active version has come. 503 while Redis is unavailable."""
    found = _overview()
    context = {"title": "Processes", "overview": found}
    return admin_page(request, "scripting/processes.html", context, status=200 if found else 503)


@never_cache
@require_safe
@login_required
@permission_required("scripting.view_script", raise_exception=True)
def document(_request: HttpRequest) -> JsonResponse:
    """The same for programs: seconds since 1970 UTC, ages in seconds."""
    found = _overview()
    if found is None:
        return JsonResponse({"error": "Redis, which knows the processes, does not answer"}, status=503)
    return JsonResponse(
        {
            "processes": [_process(process) for process in found.processes],
            "scripts": [_script(script) for script in found.scripts],
        }
    )


def _overview() -> Overview | None:
    try:
        return overview()
    except redis.RedisError:
        return None


def _process(process: Process) -> dict[str, Any]:
    loaded = {
        script: {"number": version.number, "digest": version.digest, "acknowledged": version.at}
        for script, version in sorted(process.loaded.items())
    }
    return {
        "name": process.name,
        "kind": process.kind,
        "host": process.host,
        "container": process.container,
        "started": process.started,
        "heartbeat_age": round(process.age, 3),
        "stale": process.is_stale,
        "clock_ahead": round(process.ahead, 3),
        "loaded": loaded,
    }


def _script(script: Loading) -> dict[str, Any]:
    return {
        "script": script.script,
        "number": script.number,
        "digest": script.digest,
        "summary": str(script),
        "current": [process.name for process in script.current],
        "behind": [process.name for process in script.behind],
        "stale": [process.name for process in script.stale],
    }


urlpatterns: list[URLPattern] = [
    path("scripting/processes/", page, name="processes"),
    path("scripting/processes.json", document, name="processes-json"),
]
