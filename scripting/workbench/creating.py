"""A new script from the browser: its module, name, language and template. The editor then opens with a draft, and nothing is live."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from scripting.models import SHARED, Draft, Script
from scripting.models.script import NAME_PATTERN
from scripting.modules.installed import modules
from scripting.modules.topics import Topic
from scripting.registry import lifecycle
from scripting.sandbox.languages.language import EVENT, HELPER
from scripting.sandbox.languages.table import LANGUAGES
from scripting.subscriptions import sets
from scripting.texts.escaping import visible
from scripting.workbench import beginnings
from scripting.workbench.access import EDIT, PUBLISH, WORDS, may, page
from scripting.workbench.frame import common

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True)
class Wanted:
    """The fields of the form. `once` belongs to one form: sent twice, it makes one script."""

    module: str
    name: str
    language: str
    kind: str
    purpose: str
    once: UUID

    @property
    def label(self) -> str:
        return f"{self.module}/{self.name}"


class Misfit(Exception):
    """A field of the form cannot be as it is: the message says what to write."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@require_http_methods(["GET", "HEAD", "POST"])
@page
def new_script(request: HttpRequest) -> HttpResponseBase:
    """GET asks; POST makes the script and goes on to its editor."""
    for needed in (EDIT, PUBLISH):
        if not may(request.user, needed):
            raise PermissionDenied(f"A new script needs the permission {needed} ({WORDS[needed].lower()}).")
    if request.method != "POST":
        return _form(request, request.GET.dict())
    given = request.POST.dict()
    try:
        script = make(request.user, wanted_of(given))  # type: ignore[arg-type] # nobody else gets past the door
    except Misfit as misfit:
        return _form(request, given, misfit)
    messages.success(request, f"{script} is made, and this is your draft of it: nothing is live until you publish.")
    return redirect("workbench:script", script.module, script.name)


def wanted_of(form: dict[str, str]) -> Wanted:
    """Read a form, its fields checked one by one. Raises Misfit."""
    kind, module, name = (form.get(field, "").strip() for field in ("kind", "module", "name"))
    if kind not in beginnings.KINDS:
        raise Misfit("kind", "Choose what the script is for.")
    if kind == HELPER:
        module = SHARED
    elif module == SHARED:
        raise Misfit("kind", f"Scripts of {SHARED} are helpers: choose Helper, or another module.")
    elif modules.get(module) is None:
        raise Misfit("module", "Choose a module of the list.")
    if not name:
        raise Misfit("name", "Name the script.")
    if not re.match(NAME_PATTERN, name):
        raise Misfit(
            "name", f"{visible(name)!r} cannot be a name: use a-z, 0-9 and _, a letter first, at most 64 characters."
        )
    language = form.get("language", "")
    if language not in LANGUAGES:
        raise Misfit("language", "Choose a language of the list.")
    purpose = form.get("purpose", "").replace("\x00", "").strip()
    if len(visible(purpose)) > lifecycle.LONGEST_REASON:
        raise Misfit("purpose", f"At most {lifecycle.LONGEST_REASON} characters.")
    try:
        once = UUID(form.get("once", ""))
    except ValueError:
        once = uuid4()
    return Wanted(module, name, language, kind, purpose, once)


def make(user: User, wanted: Wanted, topic: Topic | None = None) -> Script:
    """A script without a version, and the user's draft of it out of a template. The same form gives the same script. Raises Misfit.

    With a topic it joins that once it is published.
    """
    text = beginnings.text_for(
        wanted.language, wanted.kind, module=wanted.module, name=wanted.name, purpose=wanted.purpose, topic=topic
    )
    reason = wanted.purpose or f"in the workbench: {beginnings.KINDS[wanted.kind][0].lower()}"
    try:
        with transaction.atomic():
            script = lifecycle.create(wanted.module, wanted.name, actor=user, reason=reason)
            if topic is not None:
                sets.plan(script, topic.name)
            Draft.objects.create(script=script, user=user, source=text, language=wanted.language, revision=wanted.once)
    except lifecycle.ChangeRefused as refusal:
        made = Draft.objects.filter(revision=wanted.once, user=user).select_related("script").first()
        if made is not None and str(made.script) == wanted.label:
            return made.script
        raise Misfit("name", _taken(wanted) or f"{refusal}.") from None
    return script


def _taken(wanted: Wanted) -> str:
    found = Script.objects.named(wanted.module, wanted.name).first()
    if found is None:
        return ""
    retired = " It is retired: an admin can bring it back." if found.retired_at is not None else ""
    return f"{wanted.label} exists already: choose another name.{retired}"


def _form(request: HttpRequest, given: dict[str, str], misfit: Misfit | None = None) -> HttpResponse:
    names = [module.name for module in modules]
    taken: dict[str, dict[str, bool]] = {name: {} for name in (*names, SHARED)}
    for module, name, retired in Script.objects.values_list("module", "name", "retired_at"):
        taken.setdefault(module, {})[name] = retired is not None
    context: dict[str, Any] = {
        "given": {"module": "", "name": "", "language": "python", "kind": EVENT if names else HELPER, "purpose": ""}
        | given,
        "once": uuid4(),
        "modules": [*names, SHARED],
        "languages": [(name, beginnings.has_template(name, EVENT)) for name in LANGUAGES],
        "kinds": [(kind, title, words) for kind, (title, words) in beginnings.KINDS.items()],
        "longest": lifecycle.LONGEST_REASON,
        "problem": {misfit.field: str(misfit)} if misfit else {},
        "data": {"taken": taken, "shared": SHARED, "helper": HELPER, "root": reverse("workbench:scripts")},
    }
    return render(
        request, "scripting/workbench/new_script.html", context | common(request), status=422 if misfit else 200
    )
