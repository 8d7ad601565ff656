"""Keep texts as versions, each with the verdict of its check; nothing here makes one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.db import router, transaction
from django.db.models import OuterRef, Subquery

from scripting.models import Script, ScriptVersion
from scripting.processes import notices
from scripting.registry import judging
from scripting.registry.judging import Proposal, Verdict
from scripting.storage import numbers
from scripting.storage.compiled_insert import create
from scripting.storage.compiled_query import Parameter, Prepared, number
from scripting.texts.escaping import visible
from scripting.types import Diagnostic, ErrorType

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet


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
    is_number_told: bool = False,
) -> ScriptVersion:
    """The version that holds `content`, with a verdict just reached; an equal text reuses its version.

    Those who follow the scripts are told of a text that is not accepted, if `tell`. A new version has a number of `at_least`;
    `is_number_told`: an activation tells it behind the commit, or whoever asks, by `tell_number`.
    """
    described = [_described(d) for d in verdict.diagnostics]
    database = router.db_for_write(ScriptVersion)
    with transaction.atomic(using=database, savepoint=False):
        _lock.rows(database, script=script.pk)
        sha256 = ScriptVersion.digest_of(content)
        [(equal, last)] = _known.rows(database, script=script.pk, language=language, sha256=sha256)
        version = None if equal is None else ScriptVersion.objects.using(database).get(pk=equal)
        if version is None:
            version = create(
                ScriptVersion,
                script=script,
                number=numbers.next_number(numbers.VERSION, str(script), last or 0, at_least, is_told=is_number_told),
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


def tell_number(version: ScriptVersion) -> None:
    """Have no other version get this number, not even after the database was restored, once the transaction is committed."""
    name, number = str(version.script), version.number
    transaction.on_commit(lambda: numbers.note(numbers.VERSION, name, number))


def _texts() -> QuerySet[Script, Any]:
    versions = ScriptVersion.objects.order_by().filter(script=OuterRef("pk"))
    equal = versions.filter(language=Parameter("language"), sha256=Parameter("sha256"))
    newest = versions.order_by("-number")
    script = Script.objects.filter(pk=number("script")).order_by()
    return script.values_list(Subquery(equal.values("pk")[:1]), Subquery(newest.values("number")[:1]))


_lock = Prepared(lambda: Script.objects.select_for_update().filter(pk=number("script")).order_by().values_list("pk"))
_known = Prepared(_texts)
"""The version that holds the text, and the highest number: of a script that is locked already, so that nobody adds one meanwhile."""


def judged(script: Script, language: str, content: bytes) -> Verdict:
    """Check a text: what is said of it, beside the helpers and scripts as they are."""
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
