"""Dead letters as pages: what they are and why they are there; put back or deleted after a question, and kept on record."""

from __future__ import annotations

from dataclasses import dataclass

import redis
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from scripting.bus import dead_letters
from scripting.bus.dead_letters import DeadLetter, Unreadable
from scripting.insight import audit
from scripting.insight.display import pretty
from scripting.insight.frame import LETTERS, admin_page, demand
from scripting.modules.masking import mask_of_inputs
from scripting.texts.escaping import one_line, visible

DELETE = "scripting.delete_outboxevent"
SIZE = 50
MOST_BYTES = 2048
"""Of an entry that is no event."""
AWAY = "Redis, which keeps the dead letters, does not answer. Try again."


@dataclass(frozen=True)
class Shown:
    """A dead letter, fit to show."""

    dead_letter: DeadLetter
    stream: str
    reason: str
    topic: str
    payload: str
    """Of an event, what its topic calls sensitive hidden; empty where it is none."""
    raw: str
    """The bytes of what is no event."""
    problem: str
    """Why it cannot be put back; empty where it can."""


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Newest first."""
    demand(request, LETTERS)
    context: dict[str, object] = {"title": "Dead letters"}
    try:
        found = dead_letters.newest(request.GET.get("before", ""), SIZE + 1)
        context |= {"dead_letters": [_shown(each) for each in found[:SIZE]], "count": dead_letters.count()}
    except redis.RedisError:
        return admin_page(request, "scripting/insight/dead_letters.html", {**context, "problem": AWAY}, status=503)
    if len(found) > SIZE:
        context["older"] = found[SIZE - 1].id
    return admin_page(request, "scripting/insight/dead_letters.html", context)


@require_safe
def dead_letter(request: HttpRequest, key: str) -> HttpResponse:
    """One of them, whole."""
    demand(request, LETTERS)
    try:
        found = dead_letters.find(key)
    except redis.RedisError:
        messages.error(request, AWAY)
        return _back()
    if found is None:
        raise Http404("There is no such dead letter (any longer).")
    context = {
        "title": "A dead letter",
        "shown": _shown(found),
        "event": found.event,
        "may_delete": request.user.has_perm(DELETE),
    }
    return admin_page(request, "scripting/insight/dead_letter.html", context)


@require_http_methods(["GET", "POST"])
def put_back(request: HttpRequest, key: str) -> HttpResponse:
    """Ask whether it is to run after all, and put it back into its stream."""
    demand(request, LETTERS)
    return _act(request, key, "put-back")


@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest, key: str) -> HttpResponse:
    """Ask whether it is to go for good, and delete it."""
    demand(request, DELETE)
    return _act(request, key, "delete")


def _act(request: HttpRequest, key: str, action: str) -> HttpResponse:
    try:
        found = dead_letters.find(key)
        if found is not None and request.method != "POST":
            context = {"title": "Dead letter", "shown": _shown(found), "deletes": action == "delete"}
            return admin_page(request, "scripting/insight/dead_letter_question.html", context)
        act = dead_letters.delete if action == "delete" else dead_letters.put_back
        done = found is not None and act(found)
    except Unreadable as problem:
        messages.error(request, str(problem))
        return _back()
    except redis.RedisError:
        messages.error(request, AWAY)
        return _back()
    if not done or found is None:
        messages.info(request, "It is gone: someone else has seen to it.")
        return _back()
    what = one_line(f"{found.id} of {found.stream}{f', event {found.event.id}' if found.event else ''}")
    if action == "delete":
        audit.record(request.user, f"deleted dead letter {what}")
        messages.success(request, "The dead letter is deleted.")
    else:
        audit.record(request.user, f"put dead letter {what} back")
        messages.success(request, "It is back in its stream and runs after what waits there.")
    return _back()


def _back() -> HttpResponse:
    return redirect("admin:scripting_execution_letters")


def _shown(dead_letter: DeadLetter) -> Shown:
    event = dead_letter.event
    try:
        dead_letter.destinations()
        problem = ""
    except Unreadable as reason:
        problem = str(reason)
    return Shown(
        dead_letter,
        one_line(dead_letter.stream, 100),
        visible(dead_letter.reason)[:4000],
        one_line(event.topic, 130) if event else "",
        pretty(event.payload, mask_of_inputs(event.topic, event.payload)) if event else "",
        "" if event else dump(dead_letter.envelope[:MOST_BYTES]),
        problem,
    )


def dump(data: bytes) -> str:
    """Bytes as those who look for their writer read them: 16 a line, with what of them is ASCII beside."""
    lines = []
    for start in range(0, len(data), 16):
        part = data[start : start + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in part)
        lines.append(f"{start:04x}  {part.hex(' '):<47}  {text}")
    return "\n".join(lines)
