"""Commit to a branch what was published here: author and reason of each activation are those of its commit. Never by force."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from scripting.client import folder as folders
from scripting.conf import conf
from scripting.git.repository import PUSHED, Repository, Signed
from scripting.git.sides import Key, One, live_text
from scripting.models import Activation, Case, GitFile, Script
from scripting.sandbox import source_text

MOST = 100
"""Activations of one script that one look brings back."""
Change = tuple[dict[str, bytes | None], Signed]


def bring_back(repo: Repository, head: str, ours: list[One], rows: Mapping[Key, GitFile], below: str) -> list[str]:
    """Commit what is ours on top of the branch we push to, and push it: the new commits. Raises GitFailed."""
    tip = repo.commit_of(PUSHED)
    end = head if not tip or repo.is_ancestor(tip, head) else tip
    made = []
    for one in ours:
        for changes, signed in _changes_of(one, rows[one.key]):
            written = repo.written(end, {below + path: content for path, content in changes.items()}, signed)
            if written != end:
                made.append(written)
                end = written
    if made:
        repo.push(end)
    for one in ours:
        row = rows[one.key]
        if row.pushed != (latest := latest_activation(one)):
            row.pushed = latest
            row.save(update_fields=["pushed"])
    return made


def latest_activation(one: One) -> int:
    """0 for none."""
    module, name = one.names[:2]
    found = Activation.objects.filter(script__module=module, script__name=name).order_by("-pk")
    return found.values_list("pk", flat=True).first() or 0


def _changes_of(one: One, row: GitFile) -> Iterator[Change]:
    module, name = one.names[:2]
    script = Script.objects.get(module=module, name=name)
    if one.kind == "cases":
        yield {one.path: source_text.encode(live_text(one)) if one.ours else None}, _of_case(script, one)
        return
    activations = script.activations.exclude(version=None).select_related("version", "actor", "knobs")
    newest = list(activations.order_by("-pk")[:MOST])
    since = [each for each in reversed(newest) if each.pk > row.pushed] if row.pushed else []
    if one.kind == "knobs":
        text = live_text(one)
        yield {one.path: source_text.encode(text) if text else None}, _signed(newest[0])
        return
    for activation in since or newest[:1]:
        version = activation.version
        assert version is not None
        path = str(folders.path_of(Path(), module, name, version.language))
        changes: dict[str, bytes | None] = {path: bytes(version.content)}
        if path != one.path:
            changes[one.path] = None  # it is in another language now
        if activation.knobs is not None:
            values = json.dumps(activation.knobs.all_values, indent=2, ensure_ascii=False) + "\n"
            changes[f"{module}/knobs/{name}.json"] = source_text.encode(values)
        signed = _signed(activation)
        if row.decision == GitFile.Decision.KEEP and row.ours_digest == version.sha256:
            kept = f"Kept instead of the repository's by {row.decided_by}: {row.reason}\n"
            signed = replace(signed, message=f"{signed.message}\n{kept}")
        yield changes, signed


def _signed(activation: Activation) -> Signed:
    number = activation.version.number if activation.version else 0
    reason = activation.reason.strip() or activation.get_cause_display()
    return _by(activation.actor, activation.created_at, f"{reason}\n\n{activation.script} v{number}\n")


def _of_case(script: Script, one: One) -> Signed:
    name = one.names[2]
    case = Case.objects.filter(script=script, name=name).first()
    message = f"Case {name} of {script}{'' if one.ours else ' deleted'}\n"
    if case is None:
        latest = script.latest_activation()
        return _by(None, latest.created_at if latest else script.created_at, message)
    mail = _mail(case.user)
    return Signed(case.user or "somebody", mail, case.changed_at, message)


def _by(user: Any, at: datetime, message: str) -> Signed:
    if user is None:
        return Signed("somebody", _mail(""), at, message)
    return Signed(user.get_full_name() or user.get_username(), _mail(user.get_username(), user), at, message)


def _mail(name: str, user: Any = None) -> str:
    """The e-mail of an author, by the setting."""
    name = name or "nobody"
    if conf.SCRIPTING_GIT_MAIL:
        return conf.SCRIPTING_GIT_MAIL.replace("{name}", name)
    return getattr(user, "email", "") or f"{name}@users.invalid"
