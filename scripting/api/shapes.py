"""Parts of answers: versions, outcomes, findings. Every time is ISO 8601 with its zone, every duration µs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ninja import Field, Schema

from scripting.bus.settled import Decided
from scripting.models import Execution, Script, ScriptVersion
from scripting.models.execution import superseding
from scripting.sandbox.protocol import decode_trusted
from scripting.types import Diagnostic, ScriptError


class VersionOut(Schema):
    """A version of a script."""

    number: int
    language: str
    digest: str = Field(description="sha256 of the text, hex.")
    origin: str
    accepted: bool
    author: str | None
    message: str
    created_at: datetime


class ScriptOut(Schema):
    """A script and the version of it that is live."""

    script: str
    module: str
    name: str
    enabled: bool
    pinned: bool
    runs_on: list[str]
    live: VersionOut | None
    default: VersionOut | None
    knobs: dict[str, Any] = Field(
        description="Values of its knobs that are not the text's own; under `@` those for one segment or key alone."
    )
    knobs_digest: str = Field(description="Of these values; empty where none are set.")


class Failure(Schema):
    """Why a run failed, and where."""

    type: str
    message: str
    script: str
    line: int | None
    column: int | None


class Outcome(Schema):
    """The outcome of one execution."""

    execution: str
    script: str
    status: str
    superseded_by: str | None = Field(
        description="The newer event of its topic and key that was to run instead; its status is then `skipped`."
    )
    version: int | None = Field(description="Number of the version that decided; null for the built-in rule.")
    result: Any
    error: Failure | None


class Finding(Schema):
    """A finding of a check."""

    severity: str
    type: str
    message: str
    line: int | None
    column: int | None
    hint: str


def version_out(version: ScriptVersion | None) -> VersionOut | None:
    if version is None:
        return None
    return VersionOut(
        number=version.number,
        language=version.language,
        digest=version.sha256,
        origin=version.origin,
        accepted=version.accepted,
        author=str(version.author) if version.author else None,
        message=version.message,
        created_at=version.created_at,
    )


def script_out(script: Script, runs_on: Sequence[str]) -> ScriptOut:
    return ScriptOut(
        script=str(script),
        module=script.module,
        name=script.name,
        enabled=script.enabled,
        pinned=script.pinned,
        runs_on=list(runs_on),
        live=version_out(script.active_version),
        default=version_out(script.default_version),
        knobs=script.active_knobs.all_values if script.active_knobs else {},
        knobs_digest=script.active_knobs.digest if script.active_knobs else "",
    )


def outcome_of(decided: Decided) -> dict[str, Any]:
    """The fields of an Outcome, for who sent the event: nothing of it is masked."""
    return {
        "execution": str(decided.pk),
        "script": f"{decided.script__module}/{decided.script__name}",
        "status": decided.status,
        "superseded_by": superseding(decided.status, decided.error_message) or None,
        "version": decided.version__number,
        "result": None if decided.result is None else decode_trusted(bytes(decided.result)),
        "error": failure_of_record(decided),
    }


def failure_of_record(execution: Execution | Decided) -> dict[str, Any] | None:
    """The fields of a Failure; None of an execution without an error."""
    if not execution.error_type:
        return None
    return {
        "type": execution.error_type,
        "message": execution.error_message,
        "script": execution.error_script,
        "line": execution.error_line,
        "column": execution.error_column,
    }


def failure_of(error: ScriptError | None) -> Failure | None:
    if error is None:
        return None
    return Failure(
        type=error.type.value, message=error.message, script=error.script, line=error.line, column=error.column
    )


def findings(diagnostics: Sequence[Diagnostic]) -> list[Finding]:
    return [
        Finding(
            severity=each.severity,
            type=each.type.value,
            message=each.message,
            line=each.line,
            column=each.column,
            hint=each.hint,
        )
        for each in diagnostics
    ]
