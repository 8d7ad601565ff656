"""Share a decision by a link that needs no login, see what is shared, and revoke it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from scripting import clock
from scripting.conf import conf
from scripting.insight import audit
from scripting.insight.executions.telling import told
from scripting.insight.frame import VIEW, admin_page, demand
from scripting.models import Execution, SharedDecision
from scripting.receipts.sharing import NotShareable, revoke, share
from scripting.supervisor.errors import SupervisorError

SHARE = "scripting.share_execution"
SHOWN = 200


@require_POST
def make(request: HttpRequest, execution: UUID) -> HttpResponse:
    """Share it; the answer shows the link, once."""
    demand(request, VIEW)
    demand(request, SHARE)
    one = Execution.objects.select_related("script", "version__script").filter(pk=execution).first()
    if one is None:
        raise Http404("There is no such execution any more.")
    days = request.POST.get("days", "")
    try:
        wanted = int(days) if days.isdecimal() and len(days) < 5 else conf.SCRIPTING_SHARE_DAYS
        sentence = told(one).sentence
        shared, token = share(
            one, actor=request.user, reason=request.POST.get("reason", ""), sentence=sentence, days=wanted
        )
    except (NotShareable, SupervisorError) as problem:
        messages.error(request, f"Not shared: {problem}.")
        return redirect("admin:scripting_execution_change", str(execution))
    audit.record(request.user, f"shared execution {execution} until {shared.expires_at:%Y-%m-%d}: {shared.reason}")
    link = request.build_absolute_uri(reverse("shared-decision", args=[token]))
    context = {"title": "Shared decision", "shared": shared, "link": link}
    return admin_page(request, "scripting/insight/shared.html", context, status=201)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """List shared decisions, newest first."""
    demand(request, VIEW)
    demand(request, SHARE)
    now = clock.now()
    found = SharedDecision.objects.select_related("created_by", "revoked_by").defer("page", "bundle")[:SHOWN]
    context = {"title": "Shared decisions", "shares": [{"share": one, "state": one.state(now)} for one in found]}
    return admin_page(request, "scripting/insight/shares.html", context)


@require_POST
def end(request: HttpRequest, share: UUID) -> HttpResponse:
    """Revoke one: its link answers 410 from now on."""
    demand(request, VIEW)
    demand(request, SHARE)
    one = get_object_or_404(SharedDecision, pk=share)
    revoke(one, request.user)
    audit.record(request.user, f"revoked the share of execution {one.execution}")
    messages.success(request, "Revoked: the link answers that it is gone.")
    return redirect("admin:scripting_execution_shares")
