"""The workbench's pages: the tree of scripts, the workbench of one, its history."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from scripting.conf import conf
from scripting.insight import open_breakers
from scripting.insight.addresses import address_of, login_address
from scripting.insight.executions.filters import TRIED
from scripting.insight.open_breakers import FallbackInForce
from scripting.models import Draft, Script
from scripting.registry import reach
from scripting.registry.gate_policies import Policies
from scripting.sandbox.languages.table import LANGUAGES
from scripting.texts.diff import difference
from scripting.workbench import ace_files, drafts, inputs, plain_form, plays, publishing, script_tree, viewers
from scripting.workbench import history as record
from scripting.workbench.access import EDIT, Refusal, may, page, script_named
from scripting.workbench.documents import active_of, version_of
from scripting.workbench.frame import common, live_page, permissions, whole_number


@require_safe
def upgrade_required(request: HttpRequest, rest: str = "") -> HttpResponse:
    """A WebSocket's address that was asked by HTTP: this server does not pass WebSockets on."""
    answer = "This address takes WebSockets: serve the site by ASGI, through scripting.routing.asgi_application().\n"
    return HttpResponse(answer, status=426, content_type="text/plain; charset=utf-8", headers={"Upgrade": "websocket"})


@require_safe
@page
def scripts(request: HttpRequest) -> HttpResponse:
    """The tree of all scripts, or what a search finds."""
    query = request.GET.get("q", "").replace("\x00", "")  # no script holds it, and PostgreSQL refuses it
    own = request.user if may(request.user, EDIT) else None
    branches = script_tree.tree(query, own)  # type: ignore[arg-type]
    context: dict[str, Any] = {
        "branches": branches,
        "query": query,
        "count": sum(len(branch.entries) for branch in branches),
        "follows": bool(conf.SCRIPTING_GIT_URL),
    }
    context["data"] = {"login": login_address()}
    return render(request, "scripting/workbench/scripts.html", context | common(request))


@require_http_methods(["GET", "HEAD", "POST"])
@page
def workbench(request: HttpRequest, module: str, name: str) -> HttpResponseBase:
    """The workbench of one script. POST is for browsers without JavaScript: it saves the draft, and publishes if asked to."""
    script = script_named(module, name)
    if request.method == "POST":
        return plain_form.taken(request, script)
    draft = drafts.draft_of(script, request.user) if may(request.user, EDIT) else None  # type: ignore[arg-type]
    active = script.active_version
    data = {
        "module": script.module,
        "name": script.name,
        "user": request.user.get_username(),
        "language": draft.language if draft else active.language if active else script.language or "python",
        "languages": {language.name: language.editor_mode for language in LANGUAGES.values()},
        **active_of(script),
        "draft": drafts.described(draft) if draft else None,
        "base": base_of(draft, script),
        "inputs": json.dumps(inputs.described(script)),  # text: a browser's numbers are not exact
        "may": permissions(request),
        "poll_seconds": conf.SCRIPTING_POLL_SECONDS,
        "browser_publish": conf.SCRIPTING_BROWSER_PUBLISH,
        "gate": Policies.read().any_at_work,
        "execution": request.GET.get("execution", "")[:64],
        "keep": request.GET.get("keep") == "1",
        "restore": restored(request, script),
        "login": login_address(),
        "extract": extract_page(request, script),
    }
    fallbacks = open_breakers.of_all()
    context = {
        "script": script,
        "active": active,
        "draft": draft,
        "text": draft.source if draft else active.editable_text if active else "",
        "data": data,
        "fallback": fallbacks.get(script.pk),
        "failures": failures_of(request, script),
        "case_count": script.cases.kept().count(),
        "plays": plays.Words.of(module) if plays.can_be_played(script) else None,
        "siblings": siblings(script, fallbacks),
        "languages": list(LANGUAGES),
        "ace_modes": [f"{ace_files.PREFIX}/{mode}" for mode in ace_files.MODES],
        "live_page": None if data["unheard"] else live_page(script),
        "switched_off": "" if conf.SCRIPTING_BROWSER_PUBLISH else publishing.SWITCHED_OFF,
    }
    return render(request, "scripting/workbench/workbench.html", context | common(request))


@require_safe
@page
def history(request: HttpRequest, module: str, name: str) -> HttpResponse:
    """Versions, activations and changes of a script; `old` and `new` pick two versions to compare."""
    script = script_named(module, name)
    context: dict[str, Any] = {
        "script": script,
        "active": script.active_version,
        "fallback": open_breakers.of(script),
        "versions": record.versions(script),
        "activations": record.activations(script),
        "changes": list(record.changes(script)),
        "data": {"module": module, "name": name, "may": permissions(request), "login": login_address()},
        "live_page": None if reach.unheard(script) else live_page(script),
        "access_record": address_of("admin:auth_user_record"),
    }
    old, new = (number_in(request, side) for side in ("old", "new"))
    if old and new:
        try:
            texts = [publishing.version_numbered(script, number) for number in (old, new)]
            context["old"], context["new"] = texts
            context["difference"] = difference(*(version.editable_text for version in texts))
        except Refusal as refusal:
            context["problem"] = str(refusal)
    return render(request, "scripting/workbench/history.html", context | common(request))


def base_of(draft: Draft | None, script: Script) -> dict[str, Any] | None:
    """The version that the text was begun on: a number and its text."""
    version = draft.base_version if draft else script.active_version
    return {"number": version.number, "source": version.editable_text} if version else None


def restored(request: HttpRequest, script: Script) -> dict[str, Any] | None:
    """The version that the page was asked to open instead of the draft (`?version=`): old, rejected or live."""
    number = number_in(request, "version")
    try:
        return version_of(publishing.version_numbered(script, number)) if number else None
    except Refusal:
        return None


def extract_page(request: HttpRequest, script: Script) -> str:
    """Where what is live is written into the script's file; empty for who may not."""
    if not (may(request.user, EDIT) and request.user.is_staff):
        return ""
    extract = address_of("admin:scripting_script_extract_one", script.pk)
    return f"{extract}?which=active" if extract else ""


def siblings(script: Script, fallbacks: Mapping[int, FallbackInForce]) -> list[dict[str, Any]]:
    """The module's scripts for the list beside the editor, each with what stands in for it and who is writing on it."""
    found = Script.objects.in_use().filter(module=script.module).select_related("active_version")
    return [
        {
            "script": one,
            "fallback": fallbacks.get(one.pk),
            "people": viewers.people_or_nobody(one.module, one.name) if one != script else [],
        }
        for one in found
    ]


def failures_of(request: HttpRequest, script: Script) -> str:
    """Where the executions are that the active version failed; empty for who may not see them."""
    seen = address_of("admin:scripting_execution_changelist") if may(request.user, "scripting.view_execution") else ""
    return f"{seen}?script={script.pk}&version={script.active_version_id}&status={TRIED}" if seen else ""


def number_in(request: HttpRequest, name: str) -> int:
    return whole_number(request.GET.get(name, ""))
