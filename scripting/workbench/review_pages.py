"""Pages of reviews: what waits for whom, and one with its texts, evidence, comments and answers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from scripting.models import Review, ReviewComment
from scripting.registry import reviews
from scripting.registry.moves import PublishRefused
from scripting.supervisor.errors import SupervisorError
from scripting.texts.escaping import visible
from scripting.workbench import reviewing, tuning
from scripting.workbench.access import (
    EDIT,
    PUBLISH,
    RUN,
    TUNE,
    WORDS,
    Refusal,
    api,
    body_of,
    known_language,
    may,
    page,
    script_named,
    text_in,
)
from scripting.workbench.frame import common, whole_number

SHOWN = 100
"""Reviews in the list of all."""


@require_safe
@page
def listed(request: HttpRequest) -> HttpResponseBase:
    """Reviews that wait for this person, those that they asked for, and the newest of all."""
    user = request.user
    assert user.is_authenticated
    every = Review.objects.select_related("asked_by", "decided_by").prefetch_related("texts__script", "texts__version")
    answers = may(user, reviews.APPROVE)
    context: dict[str, Any] = {
        "waiting": list(every.waiting_for(user).order_by("pk")) if answers else [],
        "mine": list(every.filter(asked_by=user, state__in=("open", "approved"))),
        "latest": list(every.all()[:SHOWN]),
        "answers": answers,
    }
    return render(request, "scripting/workbench/reviews.html", context | common(request))


@require_http_methods(["GET", "HEAD", "POST"])
@page
def review(request: HttpRequest, review: int) -> HttpResponseBase:
    """One review; POST answers it, comments on it, or makes it live."""
    found = Review.objects.select_related("asked_by", "decided_by").filter(pk=review).first()
    if found is None:
        raise Http404(f"There is no review {review}.")
    problem = ""
    if request.method == "POST":
        if not may_speak(request):
            raise PermissionDenied(f"Taking part in a review needs the permission {reviews.APPROVE} or {EDIT}.")
        try:
            anchor = _act(request, found)
        except (PublishRefused, Refusal) as refused:
            problem = visible(str(refused))
            found.refresh_from_db()
        else:
            return redirect(reverse("workbench:review", args=[found.pk]) + anchor)
    reviews.read(found, request.user)
    return render(request, "scripting/workbench/review.html", _context(request, found, problem), status=409 if problem else 200)  # fmt: skip


def may_speak(request: HttpRequest) -> bool:
    return may(request.user, EDIT) or may(request.user, reviews.APPROVE)


def _act(request: HttpRequest, found: Review) -> str:
    """Do what the form asks for: where on the page that is. Raises PublishRefused, Refusal."""
    user, posted = request.user, request.POST
    assert user.is_authenticated
    words = text_in(posted.dict(), "words", "")
    match posted.get("act"):
        case "approve":
            reviews.approve(found, actor=user, words=words)
            messages.success(request, "You approved it.")
        case "refuse":
            reviews.refuse(found, actor=user, reason=words)
        case "withdraw":
            reviews.withdraw(found, actor=user, reason=words)
        case "live":
            if not may(user, PUBLISH):
                raise Refusal(403, "forbidden", f"{WORDS[PUBLISH]} needs the permission {PUBLISH}.")
            reviewing.make_live(found, user)
            messages.success(request, "It is live.")
        case "replay":
            if not may(user, RUN):
                raise Refusal(403, "forbidden", f"{WORDS[RUN]} needs the permission {RUN}.")
            reviewing.replay(found, user)
            return "#evidence"
        case "comment":
            return f"#comment-{_comment(request, found, words).pk}"
        case "resolve" | "reopen" as act:
            first = _comment_of(found, posted.get("comment", ""))
            reviews.resolve(first, actor=user, resolved=act == "resolve")
            return f"#comment-{first.pk}"
        case _:
            raise Refusal(400, "unknown", "The form asks for nothing that a review knows.")
    return ""


def _comment(request: HttpRequest, found: Review, words: str) -> ReviewComment:
    posted, user = request.POST, request.user
    assert user.is_authenticated
    if first := posted.get("comment"):
        return reviews.comment(found, words, actor=user, answers=_comment_of(found, first))
    text = found.texts.filter(pk=whole_number(posted.get("text", ""))).first()
    line = whole_number(posted.get("line", "")) or None
    return reviews.comment(found, words, actor=user, text=text, line=line if text else None)


def _comment_of(found: Review, key: str) -> ReviewComment:
    comment = found.comments.filter(pk=whole_number(key)).first()
    if comment is None:
        raise Refusal(404, "not_found", "The comment is gone.")
    return comment


def _context(request: HttpRequest, found: Review, problem: str) -> dict[str, Any]:
    threads = reviewing.threads_of(found)
    chosen = whole_number(request.GET.get("text", "")), whole_number(request.GET.get("line", ""))
    parts = reviewing.parts_of(found, threads, chosen)
    shown = {thread.first.pk for part in parts for line in part.lines for thread in line.threads}
    current = found.is_over or reviews.is_current(found)
    return {
        "review": found,
        "parts": parts,
        "found": reviewing.found_on(found),
        "threads": [thread for thread in threads if thread.first.pk not in shown],
        "current": current,
        "why_not": reviews.why_not(found, request.user),
        "is_mine": found.asked_by_id == request.user.pk,
        "may_speak": may_speak(request),
        "chosen": chosen,
        "problem": problem,
        "unsent": _unsent(request, found) if problem else {},
        "told": found.history.select_related("history_user").order_by("history_id"),
        **common(request),
    }


def _unsent(request: HttpRequest, found: Review) -> dict[str, Any]:
    """The words of a form that was refused, and whether they stand in one again."""
    is_answer = request.POST.get("act") in {"approve", "refuse"}
    has_form = is_answer and not found.is_over and not reviews.why_not(found, request.user)
    return {"words": visible(request.POST.get("words", "")), "is_answer": is_answer, "has_form": has_form}


@api("POST", PUBLISH)
def ask(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Ask somebody else to approve a text, or the version of that number."""
    script, document, user = script_named(module, name), body_of(request), request.user
    assert user.is_authenticated
    reason = text_in(document, "reason", "")
    if "number" in document:
        return _asked(reviewing.ask_about_version(script, user, document["number"], reason))
    source, language = text_in(document, "source"), known_language(text_in(document, "language"))
    return _asked(reviewing.ask_about_text(script, user, source, language, reason))


@api("POST", TUNE)
def ask_about_values(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Ask somebody else to approve values of knobs."""
    script, document, user = script_named(module, name), body_of(request), request.user
    assert user.is_authenticated
    values, reason = tuning.asked_values(script, document), text_in(document, "reason", "")
    try:
        return _asked(reviewing.ask_about_values(script, user, values, reason))
    except PublishRefused as refused:
        raise tuning.refusal_of(refused) from None
    except SupervisorError as error:
        raise tuning.unavailable(error) from None


def _asked(found: Review) -> dict[str, Any]:
    return {"review": found.pk, "address": reverse("workbench:review", args=[found.pk])}
