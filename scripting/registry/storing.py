"""Keep texts as versions, each with the verdict of its check; nothing here makes one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max

from scripting.models import Script, ScriptVersion
from scripting.processes import notices
from scripting.registry import judging
from scripting.registry.judging import Proposal, Verdict
from scripting.storage import numbers
from scripting.texts.escaping import visible
from scripting.types import Diagnostic, ErrorType

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def store(
    script: Script,
    language: str,
    content: bytes,
    origin: str,
    *,
    author: User | None = None,
    message: str = "",
) -> tuple[ScriptVersion, tuple[Diagnostic, ...]]:
    """The version that holds `content`, checked anew; an equal text reuses its version. Never activates."""
    verdict = judged(script, language, content)
    return keep(script, language, content, origin, verdict, author=author, message=message), verdict.diagnostics


def keep(
    script: Script,
    language: str,
    content: bytes,
    origin: str,
    verdict: Verdict,
    *,
    author: User | None = None,
    message: str = "",
    tell: bool = True,
    at_least: int = 1,
) -> ScriptVersion:
    """The version that holds `content`, with a verdict just reached; an equal text reuses its version.

    Those who follow the scripts are told of a text that is not accepted, if `tell`. A new version has a number of `at_least`.
    """
    described = [_described(d) for d in verdict.diagnostics]
    with transaction.atomic(savepoint=False):
        locked = Script.objects.select_for_update().get(pk=script.pk)
        sha256 = ScriptVersion.digest_of(content)
        version = locked.versions.filter(language=language, sha256=sha256).first()
        if version is None:
            last = locked.versions.aggregate(last=Max("number"))["last"] or 0
            version = ScriptVersion.objects.create(
                script=locked,
                number=numbers.next_number(numbers.VERSION, str(locked), last, at_least),
                language=language,
                content=content,
                source=ScriptVersion.shown(content),
                sha256=sha256,
                origin=origin,
                author=author,
                message=visible(message),
                accepted=verdict.accepted,
                diagnostics=described,
            )
        elif version.accepted != verdict.accepted or version.diagnostics != described:
            version.accepted, version.diagnostics = verdict.accepted, described
            version.save(update_fields=["accepted", "diagnostics"])
        if tell and not verdict.accepted:
            notices.send_on_commit(notices.rejected(version, origin, visible(verdict.first_error.message)))
    return version


def judged(script: Script, language: str, content: bytes) -> Verdict:
    """What the check of a text says of it, beside the helpers and scripts as they are."""
    proposal = Proposal(script.module, script.name, language, content)
    return judging.judge([proposal])[proposal.key]


def recheck(version: ScriptVersion) -> tuple[Diagnostic, ...]:
    """Judge a stored text anew, in case helpers or the interpreter changed since: what its check found now."""
    _, diagnostics = store(version.script, version.language, bytes(version.content), version.origin)
    version.refresh_from_db()
    return diagnostics


def _described(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic as the JSON column holds it: text from a sandbox made fit to store."""
    plain = asdict(diagnostic)
    plain["type"] = diagnostic.type.value
    plain["message"], plain["hint"] = visible(diagnostic.message), visible(diagnostic.hint)
    return plain


def diagnostic_of(plain: Mapping[str, Any]) -> Diagnostic:
    """The diagnostic that the JSON column holds."""
    return Diagnostic(**{**plain, "type": ErrorType(plain["type"])})
