"""The workbench's form without JavaScript: save, publish, and where two texts meet a page that lets each place be decided."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from scripting.models import Script, ScriptVersion
from scripting.registry import reach
from scripting.texts.diff import difference
from scripting.texts.merge import BOTH, THEIRS, Merge, merge
from scripting.workbench import drafts, publishing
from scripting.workbench.access import EDIT, PUBLISH, Refusal, known_language, may
from scripting.workbench.frame import common, whole_number

DRAFT, LIVE = "draft", "live"
"""The other side of a conflict: a draft that another tab saved, or a version that became live."""


@dataclass(frozen=True)
class Other:
    """The other one of two texts that meet: a draft of another tab, or the version that became live."""

    kind: str
    source: str
    language: str
    base: ScriptVersion | None
    """The version that both were begun on."""
    mark: str
    """Another one once the text is another, so that an answer to an older question does not count."""
    words: str


def taken(request: HttpRequest, script: Script) -> HttpResponseBase:
    """Save and publish as the form asks; what is refused is said on the next page, and two texts that meet are shown."""
    user, posted = request.user, request.POST
    assert user.is_authenticated
    text = posted.get("source", "").replace("\r\n", "\n")
    said = ""
    try:
        number = whole_number(posted.get("base", ""))
        base = publishing.version_numbered(script, number) if number else None
        language = known_language(posted.get("language", ""))
        if posted.get("met") in {DRAFT, LIVE} and may(user, EDIT):
            return _settled(request, script, text, language, base)
        if may(user, EDIT):
            drafts.save(script, user, text, language, base, posted.get("revision") or None)
            said = "The draft is saved."
        if "publish" in posted and may(user, PUBLISH):
            reason, confirmed = posted.get("reason", ""), "confirmed" in posted
            override = posted.get("override", "").strip()
            publishing.publish(script, user, text, language, reason, base, confirmed=confirmed, override=override)
            said = f"{script} is live. {reach.unheard(script)}".strip()
    except Refusal as refusal:
        met = {"draft_conflict": DRAFT, "stale_base": LIVE}.get(refusal.document["error"]["type"])
        if met and may(user, EDIT):
            return _asked(request, script, text, language, base, met)
        messages.error(request, str(refusal))
    if said:
        messages.success(request, said)
    return redirect("workbench:script", script.module, script.name)


def _asked(
    request: HttpRequest,
    script: Script,
    text: str,
    language: str,
    base: ScriptVersion | None,
    kind: str,
    problem: str = "",
) -> HttpResponse:
    """Nothing is stored: the page shows both texts and asks which to go on with, or what of each."""
    other = _other(request, script, base, kind)
    together = _together(other, text, language)
    context = {
        "script": script,
        "mine": text,
        "language": language,
        "base": base.number if base else "",
        "other": other,
        "merge": together,
        "places": together.places(request.POST.dict()) if together else [],
        "difference": difference(other.source, text),
        "problem": problem,
    }
    return render(request, "scripting/workbench/merge.html", context | common(request), status=409)


def _settled(
    request: HttpRequest, script: Script, text: str, language: str, base: ScriptVersion | None
) -> HttpResponseBase:
    """Make the answer one's draft. What changed after the question is shown first. Raises Refusal."""
    user, posted = request.user, request.POST
    assert user.is_authenticated
    kind = posted["met"]
    other = _other(request, script, base, kind)
    together = _together(other, text, language)
    if posted.get("mark") != other.mark:
        return _asked(request, script, text, language, base, kind)
    choice = posted.get("settle")
    if choice == BOTH and together is not None:
        try:
            text = together.decided([chosen for _, chosen in together.places(posted.dict())])
        except ValueError:
            problem = "Choose mine, theirs or both for every place first."
            return _asked(request, script, text, language, base, kind, problem)
    elif choice == THEIRS:
        text, language = other.source, other.language
    draft = drafts.draft_of(script, user)
    revision = str(draft.revision) if draft else None
    if kind == LIVE and choice == THEIRS:
        drafts.discard(script, user, revision)
    else:
        stands_on = script.active_version if kind == LIVE else draft.base_version if draft else base
        drafts.save(script, user, text, language, stands_on, revision)
    messages.success(request, "This is your draft now. Look at it, then publish it.")
    return redirect("workbench:script", script.module, script.name)


def _other(request: HttpRequest, script: Script, base: ScriptVersion | None, kind: str) -> Other:
    if kind == LIVE:
        script.refresh_from_db()
        active = script.active_version
        words = f"v{active.number if active else '–'} became live while you were writing. Your text is kept as your draft, and is not published."
        source, language = (active.text, active.language) if active else ("", script.language)
        return Other(kind, source, language, base, str(active.pk if active else ""), words)
    draft = drafts.draft_of(script, request.user)  # type: ignore[arg-type]
    words = "This script is open in another tab or on another device, and was changed there. Nothing is stored yet."
    if draft is None:
        return Other(kind, "", script.language, base, "", words)
    return Other(kind, draft.source, draft.language, draft.base_version, str(draft.revision), words)


def _together(other: Other, text: str, language: str) -> Merge | None:
    """None where the two are written in different languages."""
    if other.language != language:
        return None
    begun = other.base if other.base is not None and other.base.language == language else None
    return merge(begun.text if begun else "", other.source, text)
