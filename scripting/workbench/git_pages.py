"""The page of the followed branch: which commit is live, what waits and why, drift with its two ways out. And the webhook's address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis
from django.contrib import messages
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from scripting.conf import conf
from scripting.git import following, waking
from scripting.git.following import DecisionRefused
from scripting.models import GitFile
from scripting.texts.diff import Difference, difference
from scripting.workbench.access import PUBLISH, page, page_for
from scripting.workbench.frame import common, whole_number

SHOWN = 500
"""Files in the list."""
ABOUT = {
    "same": ("same", ""),
    "theirs": ("waits", "warn"),
    "ours": ("changed here", "warn"),
    "drift": ("drift", "bad"),
    "gone": ("not in the repository any more", "warn"),
}


@dataclass(frozen=True)
class Row:
    """One file of the list."""

    file: GitFile
    words: str
    colour: str


@dataclass(frozen=True)
class Drift:
    """A file that was changed on both sides."""

    file: GitFile
    difference: Difference

    @property
    def seen(self) -> str:
        return f"{self.file.theirs_digest} {self.file.ours_digest}"


@require_safe
@page
def branch(request: HttpRequest) -> HttpResponseBase:
    """The followed branch."""
    return _page(request)


@require_POST
@page_for(PUBLISH)
def decide(request: HttpRequest) -> HttpResponseBase:
    """Take theirs, or keep ours."""
    posted = request.POST
    decision = posted.get("decision", "")
    if decision not in GitFile.Decision.values:
        return _page(request, "take theirs, or keep ours")
    try:
        made = following.decide(
            whole_number(posted.get("file", "")),
            decision,
            seen=posted.get("seen", ""),
            actor=request.user,
            reason=posted.get("reason", "").replace("\x00", ""),
        )
    except DecisionRefused as refused:
        return _page(request, str(refused))
    words = "Theirs goes live" if decision == GitFile.Decision.TAKE else "Ours stays"
    return _woken(request, f"{words}: {made.label}. The branch is looked at again now.")


@require_POST
@page_for(PUBLISH)
def look(request: HttpRequest) -> HttpResponseBase:
    """Look at the branch now."""
    return _woken(request, "An evidence worker looks at the branch now: open this page again in a moment.")


@csrf_exempt  # no cookie opens anything here: who calls proves that they know the secret
@never_cache
@require_POST
def webhook(request: HttpRequest) -> HttpResponseBase:
    """Wake the poll, for GitHub and GitLab: nothing of the call is used but its signature."""
    try:
        if waking.too_many(request.META.get("REMOTE_ADDR", "")):
            return JsonResponse({"detail": "too many calls: the branch is looked at anyway"}, status=429)
        headers = request.headers
        github, gitlab = headers.get("X-Hub-Signature-256", ""), headers.get("X-Gitlab-Token", "")
        if not following.source() or not waking.is_signed(request.body, github, gitlab):
            return JsonResponse(
                {"detail": "the signature is missing or wrong (SCRIPTING_GIT_WEBHOOK_SECRET)"}, status=403
            )
        waking.wake()
    except RequestDataTooBig:
        return JsonResponse({"detail": "the call is too large: the branch is looked at anyway"}, status=413)
    except redis.RedisError:
        return JsonResponse({"detail": "Redis does not answer: the branch is looked at when it does"}, status=503)
    return JsonResponse({"detail": "the branch is looked at now"}, status=202)


def _woken(request: HttpRequest, said: str) -> HttpResponseBase:
    try:
        waking.wake()
    except redis.RedisError:
        messages.error(request, "Redis does not answer: the branch is looked at when it does.")
    else:
        messages.success(request, said)
    return redirect("workbench:git")


def _page(request: HttpRequest, problem: str = "") -> HttpResponseBase:
    found = following.followed_branch()
    files = list(found.files.select_related("decided_by").order_by("label", "kind")[:SHOWN]) if found else []
    context: dict[str, Any] = {
        "source": following.source(),
        "branch": found,
        "push_branch": conf.SCRIPTING_GIT_PUSH_BRANCH,
        "rows": [Row(file, *ABOUT[file.state]) for file in files],
        "drift": [Drift(file, difference(file.ours, file.theirs)) for file in files if file.state == "drift"],
        "problem": problem,
        "webhook": request.build_absolute_uri(reverse("workbench:git_webhook"))
        if conf.SCRIPTING_GIT_WEBHOOK_SECRET
        else "",
        "every": conf.SCRIPTING_GIT_POLL_SECONDS,
    }
    return render(request, "scripting/workbench/git.html", context | common(request), status=409 if problem else 200)
