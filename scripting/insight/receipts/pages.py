"""Pages of receipts for staff: roots by day and module, what is missing, the bundle of one decision."""

from __future__ import annotations

import json
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from scripting.insight import audit
from scripting.insight.frame import VIEW, admin_page, demand
from scripting.insight.receipts.standing import Standing, standing_of, unfit_words
from scripting.insight.receipts.verifier_file import verifier_file
from scripting.models import ReceiptRoot
from scripting.receipts.bundle import bundle_of
from scripting.receipts.roots import document, published, root_file, waiting_links
from scripting.receipts.stored import receipt_of

TEXTS = "scripting.view_scriptversion"
DAYS = 200
"""Roots on one page."""


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Newest roots first, with what the file of published roots lacks or has otherwise."""
    demand(request, VIEW)
    try:
        file, problem = published(), ""
    except OSError as error:
        file, problem = {}, f"The file of published roots cannot be read: {error}"
    before = request.GET.get("before", "")
    roots = ReceiptRoot.objects.order_by("-day", "module")
    if before and _is_day(before):
        roots = roots.filter(day__lt=before)
    shown = [{"root": root, "digest": bytes(root.digest).hex(), "state": _state(root, file)} for root in roots[:DAYS]]
    context = {
        "title": "Receipts",
        "roots": shown,
        "problem": problem,
        "file": str(root_file()),
        "waiting": waiting_links().exists(),
        "older": shown[-1]["root"].day.isoformat() if len(shown) == DAYS else "",  # type: ignore[attr-defined]
    }
    return admin_page(request, "scripting/insight/receipts.html", context)


def _state(root: ReceiptRoot, file: dict[tuple[str, str], dict[str, object]]) -> str:
    """`published`, `missing` from the file, or `differs` from it."""
    line = file.get((root.module, root.day.isoformat()))
    return "missing" if line is None else "published" if line == document(root) else "differs"


def _is_day(text: str) -> bool:
    return len(text) == 10 and text.replace("-", "").isdigit()


@require_safe
def roots(request: HttpRequest) -> HttpResponse:
    """The published roots, one JSON object a line."""
    demand(request, VIEW)
    lines = "".join(json.dumps(document(root)) + "\n" for root in ReceiptRoot.objects.order_by("day", "module"))
    return HttpResponse(lines, content_type="application/jsonl", headers=_as_file("roots.jsonl"))


@require_safe
def bundle(request: HttpRequest, execution: UUID) -> HttpResponse:
    """Download the bundle that the offline verifier checks; nothing sensitive is in it."""
    demand(request, VIEW)
    found = receipt_of(execution)
    if found is None:
        raise Http404("There is no receipt of this execution.")
    content = json.dumps(bundle_of(found, outside=False, texts=request.user.has_perm(TEXTS)), indent=1)
    audit.record(request.user, f"downloaded the bundle of execution {execution}")
    return HttpResponse(content, content_type="application/json", headers=_as_file(f"{execution}.json"))


@require_safe
def verifier(request: HttpRequest) -> HttpResponseBase:
    """The file that checks bundles."""
    demand(request, VIEW)
    return verifier_file()


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def gone(request: HttpRequest, execution: str) -> HttpResponse | None:
    """The page of an execution that was deleted; None where neither a receipt nor a link knows of it."""
    try:
        key = UUID(execution)
    except ValueError:
        return None
    standing = standing_of(key)
    unfit = "" if standing else unfit_words(key)
    if standing is None and not unfit:
        return None
    title = str(standing.script or "Execution") if standing else "Execution"
    context: dict[str, Standing | str | None] = {"title": title, "standing": standing, "unfit": unfit}
    return admin_page(request, "scripting/insight/gone.html", context)
