"""Decisions shared by a link that needs no login: made once and frozen, so that opening one costs a look-up and shows no more than was agreed."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from scripting import clock
from scripting.conf import conf
from scripting.models import Execution, SharedDecision
from scripting.receipts.bundle import announced_for, bundle_of, way
from scripting.receipts.stored import Found, receipt_of
from scripting.receipts.verify import verify_execution
from scripting.texts.escaping import visible

LONGEST_DAYS = 366
REASON = 500
"""Characters of a reason."""


class NotShareable(ValueError):
    """A decision cannot be shared, or not so. The message says why and what to do."""


def share(
    execution: Execution, *, actor: Any, reason: str, sentence: str, days: int | None = None
) -> tuple[SharedDecision, str]:
    """Repeat the run, freeze what may be told, and give it with the secret part of its link, which cannot be shown again.

    `sentence` is the module's, masked. Raises NotShareable.
    """
    days = conf.SCRIPTING_SHARE_DAYS if days is None else days
    if not reason.strip():
        raise NotShareable("say why it is shared: whom it answers")
    if not 1 <= days <= LONGEST_DAYS:
        raise NotShareable(f"a shared decision lasts from 1 to {LONGEST_DAYS} days")
    found = receipt_of(execution.pk)
    if found is None:
        raise NotShareable("this execution has no receipt, so there is nothing that could be proved")
    bundle = bundle_of(found, outside=True, texts=conf.SCRIPTING_SHARE_TEXT)
    token = secrets.token_urlsafe(32)
    shared = SharedDecision.objects.create(
        execution=execution.pk,
        token_digest=_digest(token),
        reason=visible(reason.strip())[:REASON],
        created_by=actor,
        expires_at=clock.now() + timedelta(days=days),
        is_complete=bundle["root"] is not None,
        page=_page(execution, found, bundle, sentence),
        bundle=json.dumps(bundle, indent=1),
    )
    return shared, token


def _page(execution: Execution, found: Found, bundle: dict[str, Any], sentence: str) -> dict[str, Any]:
    """Collect everything that the page shows, all of it text."""
    version = execution.version
    shown = bundle.get("shown") or {}
    record = json.loads(bundle["record"]) if "record" in bundle else {}
    report, told = verify_execution(execution.pk), announced_for(found)
    return {
        "sentence": sentence,
        "script": str(execution.script),
        "version": f"v{version.number}" if version else "",
        "bundle": execution.bundle_digest,
        "status": execution.get_status_display(),
        "started": _moment(execution.started_at),
        "finished": _moment(execution.finished_at),
        "seed": "" if execution.seed is None else str(execution.seed),
        "error": record.get("error_message", ""),
        "inputs": _indented(shown.get("inputs", "")),
        "result": _indented(shown.get("result", "")),
        "withheld": bundle["withheld"].get("shown", ""),
        "words": told.words,
        "since": _moment(told.activation.created_at) if told.activation else "",
        "texts": bundle.get("texts") or [],
        "repeated": {
            "at": _moment(clock.now()),
            "done": report.looked["repetitions"] > 0,
            "holds": report.holds,
            "why_not": "; ".join(report.notes),
        },
    }


def _indented(text: str) -> str:
    """JSON on lines of its own; a text that was cut stays as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"


def shared_by(token: str) -> SharedDecision | None:
    """The decision that a link opens, expired and revoked ones too; None for a link that never was."""
    if len(token) > 100 or not token.isascii():
        return None
    return SharedDecision.objects.filter(token_digest=_digest(token)).first()


def revoke(shared: SharedDecision, actor: Any) -> None:
    """End it, and forget what it told; that it was shared, by whom and why, stays."""
    if shared.revoked_at is None:
        shared.revoked_at, shared.revoked_by = clock.now(), actor
        shared.page, shared.bundle = {}, ""
        shared.save(update_fields=["revoked_at", "revoked_by", "page", "bundle"])


def complete(now: datetime | None = None) -> int:
    """Give the bundles of open shares the way to their roots, once these are made: how many got it. Expired ones forget what they told."""
    now, done = now or clock.now(), 0
    SharedDecision.objects.filter(expires_at__lte=now).exclude(bundle="").update(page={}, bundle="")
    for shared in SharedDecision.objects.filter(revoked_at=None, expires_at__gt=now, is_complete=False):
        found = receipt_of(shared.execution)
        root = way(found)["root"] if found else None
        if root is not None:
            bundle = json.loads(shared.bundle)
            bundle["root"] = root
            bundle["withheld"].pop("root", None)
            shared.bundle, shared.is_complete = json.dumps(bundle, indent=1), True
            shared.save(update_fields=["bundle", "is_complete"])
            done += 1
    return done


def root_of(shared: SharedDecision) -> dict[str, Any] | None:
    """The root that the bundle leads to; None as long as its day has none."""
    root: dict[str, Any] | None = json.loads(shared.bundle).get("root")
    return root


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
