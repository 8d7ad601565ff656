"""The JSON addresses of cases: run, keep, open, change, delete.

Running and opening them needs the permission to try scripts. Keeping, changing and deleting takes the one to publish, since cases
say what may go live.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from scripting.workbench import cases
from scripting.workbench.access import PUBLISH, RUN, api, body_of, known_language, script_named, text_in
from scripting.workbench.by_itself import stoppable


@api("POST", RUN)
def run(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Run every case by a text; nothing takes effect."""
    script, document = script_named(module, name), body_of(request)
    source, language = text_in(document, "source"), known_language(text_in(document, "language"))
    with stoppable(request.user.get_username(), document) as stop:
        return cases.ran(script, source, language, stop)


@api("GET", RUN)
def opened(request: HttpRequest, module: str, name: str, case: str) -> dict[str, Any]:
    """The inputs of a case, to be tried."""
    return cases.opened(script_named(module, name), case)


@api("POST", PUBLISH)
def keep(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Keep a trial as a case."""
    return cases.keep(script_named(module, name), body_of(request), request.user.get_username())


@api("POST", PUBLISH)
def change(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Take other expectations for a case."""
    return cases.change(script_named(module, name), body_of(request), request.user.get_username())


@api("POST", PUBLISH)
def remove(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Delete a case."""
    return cases.remove(script_named(module, name), body_of(request), request.user.get_username())
