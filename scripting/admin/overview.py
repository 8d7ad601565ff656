"""The admin's first page: a few true figures, the latest runs and changes, and where to go from here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpRequest

from scripting import clock
from scripting.admin.base import COUNTED
from scripting.admin.filters import OVERRIDDEN
from scripting.admin.links import list_url
from scripting.insight import open_breakers
from scripting.models import Activation, Execution, RepeatCheck, Script, ScriptVersion
from scripting.models.ids import first_id_at

HOUR = timedelta(hours=1)


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds what the page shows, as far as the visitor may see it."""
    if not request.user.has_perm("scripting.view_script"):
        return context
    scripts = Script.objects.in_use()
    recent = Execution.objects.filter(pk__gte=first_id_at(clock.now() - HOUR))
    failed = recent.filter(Q(status__in=("failed", "abandoned")) | Q(status="fell_back"))
    overridden = scripts.filter(OVERRIDDEN).count()
    cards = [
        ("Scripts", scripts.count(), f"{overridden} overridden", list_url(Script)),
        ("Runs in the last hour", counted(recent), "", list_url(Execution)),
        (
            "Failures in the last hour",
            counted(failed),
            "fallbacks included",
            list_url(Execution, status="unsuccessful", range="1h"),
        ),
        (
            "Rejected versions",
            ScriptVersion.objects.rejected().count(),
            "kept, never run",
            list_url(ScriptVersion, accepted__exact=0),
        ),
    ]
    latest = Execution.objects.select_related("script", "version__script").defer(
        "inputs", "result", "log", "host_calls"
    )
    return {
        **context,
        "title": "Overview",
        "cards": cards,
        "fallbacks": sorted(open_breakers.of_all().values(), key=lambda fallback: str(fallback.script)),
        "unrepeatable": RepeatCheck.objects.filter(different__gt=0).select_related("script").order_by("script"),
        "executions": latest.order_by("-pk")[:10],
        "activations": Activation.objects.select_related("script", "version__script", "actor")[:8],
        "executions_url": list_url(Execution),
        "activations_url": list_url(Activation),
    }


def counted(rows: Any) -> str:
    """How many rows there are, up to COUNTED; more than that is no figure worth a scan."""
    count = len(rows.order_by().values_list("pk", flat=True)[: COUNTED + 1])
    return str(count) if count <= COUNTED else f"over {COUNTED}"
