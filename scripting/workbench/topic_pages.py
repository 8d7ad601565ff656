"""The pages of topics: the catalogue, and of each topic what it carries, who listens, its history, and a new rule on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from scripting.conf import conf
from scripting.modules.topics import Topic, topics
from scripting.registry import lifecycle
from scripting.sandbox.languages.language import EVENT
from scripting.sandbox.languages.table import LANGUAGES
from scripting.subscriptions import sets
from scripting.subscriptions.sets import SubscriptionRefused
from scripting.subscriptions.subscribed import Subscriber
from scripting.workbench import beginnings, creating, publishing, topic_catalogue
from scripting.workbench.access import EDIT, PUBLISH, WORDS, may, page, page_for
from scripting.workbench.creating import Misfit
from scripting.workbench.frame import common, whole_number
from scripting.workbench.topic_fields import fields_of


@require_safe
@page
def catalogue(request: HttpRequest) -> HttpResponse:
    """Every topic, to be chosen for a new rule."""
    context = {"branches": topic_catalogue.catalogue()}
    return render(request, "scripting/workbench/topics.html", context | common(request))


@require_safe
@page
def one(request: HttpRequest, topic: str) -> HttpResponse:
    """One topic."""
    return _page(request, _topic_named(topic))


@require_POST
@page
def new_rule(request: HttpRequest, topic: str) -> HttpResponseBase:
    """Make a script that joins the topic once it is published, and go on to its editor."""
    found = _topic_named(topic)
    for needed in (EDIT, PUBLISH):
        if not may(request.user, needed):
            raise PermissionDenied(f"A new rule needs the permission {needed} ({WORDS[needed].lower()}).")
    owner = topic_catalogue.module_of(found)
    given = {**request.POST.dict(), "kind": EVENT, "module": owner.name if owner else ""}
    try:
        script = creating.make(request.user, creating.wanted_of(given), found)  # type: ignore[arg-type] # nobody else gets past the door
    except Misfit as misfit:
        return _page(request, found, rule=given, misfit=misfit)
    messages.success(
        request,
        f"This is your rule for {found.name}. Press Run to try it on an event, change it, and Publish when you like "
        "what it does: from then on it runs on every such event.",
    )
    return redirect("workbench:script", script.module, script.name)


@require_POST
@page_for(PUBLISH)
def subscribe(request: HttpRequest, topic: str) -> HttpResponseBase:
    """Change which scripts run on the topic."""
    found, posted = _topic_named(topic), request.POST
    wanted = _wanted(posted)
    try:
        _require_browser()
        sets.publish(
            found.name,
            wanted,
            actor=request.user,  # type: ignore[arg-type] # nobody else gets past the door
            reason=posted.get("reason", ""),
            base=whole_number(posted.get("base", "")),
        )
    except SubscriptionRefused as refused:
        return _page(request, found, wanted=wanted, reason=posted.get("reason", ""), refused=refused)
    messages.success(request, f"Events of {found.name} that are published from now on run as you say.")
    return redirect("workbench:topic", found.name)


@require_POST
@page_for(PUBLISH)
def rollback(request: HttpRequest, topic: str) -> HttpResponseBase:
    """Make an earlier set the active one again."""
    found = _topic_named(topic)
    reason = request.POST.get("reason", "")
    try:
        sets.rollback(found.name, whole_number(request.POST.get("number", "")), actor=request.user, reason=reason)  # type: ignore[arg-type]
    except SubscriptionRefused as refused:
        return _page(request, found, refused=refused)
    messages.success(request, f"{found.name} is as it was.")
    return redirect("workbench:topic", found.name)


def _topic_named(name: str) -> Topic:
    if name not in topics:
        raise Http404(f"There is no topic {name}.")
    return topics.get(name)


def _require_browser() -> None:
    if not conf.SCRIPTING_BROWSER_PUBLISH:
        raise SubscriptionRefused(publishing.SWITCHED_OFF)


def _wanted(posted: QueryDict) -> list[Subscriber]:
    """The subscribers of the form in the order that it asks for; ties stay as they are listed."""
    found: list[tuple[int, Subscriber]] = []
    added = posted.get("added", "")
    for at, label in enumerate([*posted.getlist("script")[: 2 * sets.MOST], added]):
        module, _, script = label.replace("\x00", "").partition("/")
        if not script or posted.get(f"remove:{label}"):
            continue
        condition = posted.get(f"condition:{label}", "").replace("\x00", "").strip()
        enabled = posted.get(f"runs:{label}") == "1" or label == added
        place = whole_number(posted.get(f"place:{label}", "")) or at + 1
        found.append((place, Subscriber(module, script, enabled, condition)))
    return [subscriber for _, subscriber in sorted(found, key=lambda pair: pair[0])]


def _page(
    request: HttpRequest,
    found: Topic,
    *,
    rule: Mapping[str, str] | None = None,
    misfit: Misfit | None = None,
    wanted: list[Subscriber] | None = None,
    reason: str = "",
    refused: SubscriptionRefused | None = None,
) -> HttpResponse:
    entry = topic_catalogue.entry_of(found)
    latest = topic_catalogue.latest_of(found)
    owner = topic_catalogue.module_of(found)
    fields = fields_of(found, latest.payload)
    name = topic_catalogue.free_name(found, owner.name) if owner else ""
    context: dict[str, Any] = {
        "entry": entry,
        "topic": found,
        "owner": owner,
        "latest": latest,
        "fields": fields,
        "comparison": next((f"{field.name} == {field.value}" for field in fields if field.is_comparable), ""),
        "subscribers": entry.subscriptions.subscribers if wanted is None else wanted,
        "others": topic_catalogue.others(entry.subscriptions),
        "loading": topic_catalogue.loading_of(entry.subscriptions),
        "changes": sets.history(found.name)[:30],
        "sets": topic_catalogue.sets_of(found),
        "reason": reason,
        "refused": refused,
        "rule": {"name": name, "language": "python", "purpose": ""} | dict(rule or {}),
        "problem": {misfit.field: str(misfit)} if misfit else {},
        "once": uuid4(),
        "languages": [language for language in LANGUAGES if beginnings.has_template(language, EVENT)],
        "longest": lifecycle.LONGEST_REASON,
    }
    status = 422 if refused or misfit else 200
    return render(request, "scripting/workbench/topic.html", context | common(request), status=status)
