"""Make texts live over the API: what publishing answers, why it refuses, and releases of several texts at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ninja import Field, Router, Schema

from scripting.api.access import ApiRequest, demand
from scripting.api.problems import Problem
from scripting.api.shapes import Finding, findings
from scripting.conf import conf
from scripting.evidence.gate import with_evidence
from scripting.models import SHARED, CaseChange, Script, ScriptVersion
from scripting.models.tokens import Action
from scripting.modules.installed import modules
from scripting.registry import judging, lifecycle, releases
from scripting.registry import knobs as registry_knobs
from scripting.registry.gate import GateClosed, OverrideForbidden
from scripting.registry.judging import Proposal
from scripting.registry.knobs import ValuesRefused
from scripting.registry.lifecycle import ChangeRefused
from scripting.registry.moves import AlreadyActive, AnyBase, AtGate, PublishRefused, StaleBase, WillFail
from scripting.registry.publishing import Text, TogetherRefused
from scripting.registry.releases import NewValues
from scripting.registry.storing import diagnostic_of
from scripting.sandbox import source_text
from scripting.sandbox.languages.table import LANGUAGES
from scripting.texts import case_text
from scripting.texts.case_text import CaseProblem

if TYPE_CHECKING:
    from django.contrib.auth.models import User

router = Router(tags=["scripts"])

MOST_TEXTS = 200
"""Texts of one release."""
MOST_CASES = 2000


class Published(Schema):
    """The version that is live now."""

    script: str
    version: int
    digest: str
    changed: bool = Field(description="False where it was live already.")
    warnings: list[Finding]


class ReleaseText(Schema):
    """One text of a release: of a script, or of a helper (module `shared`)."""

    module: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    source: str
    language: str = "python"
    base: int | None = Field(
        None,
        ge=0,
        lt=2**31,
        description="Number of the version it was made from (0: none), refused if another is live.",
    )


class ReleaseCase(Schema):
    """A case of a release: kept with it, and its scripts are held to it."""

    module: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    script: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    case: dict[str, Any] | None = Field(description="As its file holds it; null takes the case away.")
    base: str | None = Field(
        None,
        max_length=64,
        description="Digest of the case it was made from (empty: none), refused if another is kept.",
    )


class ReleaseKnobs(Schema):
    """Values of a script's knobs; what is not named has its default."""

    module: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    values: dict[str, bool | int | float | str | list[Any]] = Field(
        max_length=200, description="Under `@` those for one segment or key alone: [[selector, values], …]."
    )
    base: str | None = Field(
        None,
        max_length=64,
        description="`knobs_digest` of the script that they were made from (empty: none), refused if others are live. "
        "Without it others are refused that are set while the release is replayed.",
    )


class ReleaseIn(Schema):
    """Texts, values of knobs and cases that become live together, or not at all."""

    reason: str
    commit: str = Field("", max_length=64, description="The commit they come from; kept in the reason.")
    scripts: list[ReleaseText] = Field(default_factory=list, max_length=MOST_TEXTS)
    knobs: list[ReleaseKnobs] = Field(default_factory=list, max_length=MOST_TEXTS)
    cases: list[ReleaseCase] = Field(default_factory=list, max_length=MOST_CASES)
    confirmed: bool = Field(False, description="Publish texts although they will certainly fail.")
    override: str = Field(
        "",
        max_length=2000,
        description="Why it is to go live although the gate is closed; takes scripting.override_gate.",
    )
    dry_run: bool = Field(False, description="Judge them together and store nothing.")


class ReleaseOut(Schema):
    """The outcome of a release."""

    published: list[Published]
    unchanged: list[str]
    dry_run: bool
    findings: dict[str, list[Finding]] = Field({}, description="Of a dry run: warnings of each text.")


@router.post("/releases", response=ReleaseOut)
def release(request: ApiRequest, wanted: ReleaseIn) -> ReleaseOut:
    """Publish many scripts and helpers, values of their knobs and cases in one transaction, judged together. A script that is new is made."""
    names = [f"{each.module}/{each.name}" for each in wanted.scripts]
    names += [f"{each.module}/{each.name}" for each in wanted.knobs]
    names += [f"{each.module}/{each.script}" for each in wanted.cases]
    demand(request, Action.PUBLISH, *dict.fromkeys(names))
    if not names:
        raise Problem(422, "empty", "A release has a script, values of knobs or a case.")
    require_known(wanted.scripts)
    if wanted.dry_run:
        return _judge(wanted)
    require_switch()
    reason = f"{wanted.reason} ({wanted.commit})" if wanted.commit and wanted.reason.strip() else wanted.reason
    with stating(None):
        return _publish(request, wanted, reason)


def require_known(texts: Sequence[ReleaseText]) -> None:
    """Raises Problem for a script that is named twice, a language or a module that is not there."""
    names = [f"{each.module}/{each.name}" for each in texts]
    if len(set(names)) < len(names):
        raise Problem(422, "doubled", "A script is named twice in this request.")
    for each in texts:
        if each.language not in LANGUAGES:
            raise Problem(422, "language", f"There is no language {each.language[:60]!r}.")
        if each.module != SHARED and modules.get(each.module) is None:
            raise Problem(422, "no_module", f"There is no module {each.module}.")


def _publish(request: ApiRequest, wanted: ReleaseIn, reason: str) -> ReleaseOut:
    user = request.auth.user
    texts = texts_of(wanted.scripts, user, reason)
    before = {text.script.pk: text.script.active_version_id for text in texts}
    how: dict[str, Any] = {"confirmed": wanted.confirmed, "at_gate": AtGate(wanted.override, wants_advice=True)}
    knobs = knobs_of(wanted.knobs, texts)
    changes = [_case_change(each, texts) for each in wanted.cases]
    if len({(each.script.pk, each.name) for each in changes}) < len(changes):
        raise Problem(422, "doubled", "A case is named twice in this request.")
    with_evidence(
        lambda: releases.release(texts, actor=user, reason=reason, knobs=knobs, case_changes=changes, **how),
        user=user.get_username(),
    )
    done = [published(text.script, before[text.script.pk]) for text in texts]
    return ReleaseOut(
        published=[each for each in done if each.changed],
        unchanged=[each.script for each in done if not each.changed],
        dry_run=False,
        findings={},
    )


def _script_of(module: str, name: str, texts: Sequence[Text]) -> Script:
    """A script that is there, or is made with this release. Raises Problem."""
    of_release = next((text.script for text in texts if (text.script.module, text.script.name) == (module, name)), None)
    found = of_release or Script.objects.named(module, name).first()
    if found is None or found.retired_at is not None:
        raise Problem(404, "no_script", f"There is no script {module}/{name}.")
    if of_release is None and found.active_version_id is None:
        raise Problem(422, "no_version", f"No version of {module}/{name} is live.")
    return found


def knobs_of(wanted: Sequence[ReleaseKnobs], texts: Sequence[Text]) -> dict[str, NewValues]:
    """Values by script. Raises Problem, StaleBase."""
    knobs: dict[str, NewValues] = {}
    for each in wanted:
        script = _script_of(each.module, each.name, texts)
        if str(script) in knobs:
            raise Problem(422, "doubled", f"The knobs of {script} are named twice in this request.")
        base = script.active_knobs if each.base is None else registry_knobs.made_from(script, each.base)
        knobs[str(script)] = NewValues(dict(each.values), base)
    return knobs


def _case_change(wanted: ReleaseCase, texts: Sequence[Text]) -> CaseChange:
    """Raises Problem."""
    script = _script_of(wanted.module, wanted.script, texts)
    try:
        content = None if wanted.case is None else case_text.from_plain(wanted.case)
    except CaseProblem as problem:
        raise Problem(422, "no_case", f"{script}/{wanted.name} is no case: {problem}") from None
    return CaseChange(script, wanted.name, content, wanted.base)


def texts_of(wanted: Sequence[ReleaseText], user: User, reason: str) -> list[Text]:
    """The texts with their scripts; one that is new is made. Raises Problem."""
    texts = []
    for each in wanted:
        script = Script.objects.named(each.module, each.name).first()
        if script is None:
            script = lifecycle.create(each.module, each.name, actor=user, reason=reason[: lifecycle.LONGEST_REASON])
        elif script.retired_at is not None:
            raise Problem(409, "retired", f"{script} is retired: bring it back in the admin, or leave it out.")
        texts.append(Text(script, each.language, source_text.encode(each.source), _base(script, each.base)))
    return texts


def _base(script: Script, number: int | None) -> ScriptVersion | type[AnyBase] | None:
    """The version that a text was made from. Raises Problem."""
    if number is None:
        return AnyBase
    if number == 0:
        return None
    found = script.versions.filter(number=number).first()
    if found is None:
        raise Problem(404, "no_version", f"{script} has no version {number}.")
    return found


def _judge(wanted: ReleaseIn) -> ReleaseOut:
    """Raise Problem with what does not pass; nothing is stored."""
    proposals = [
        Proposal(each.module, each.name, each.language, source_text.encode(each.source)) for each in wanted.scripts
    ]
    verdicts = judging.judge(proposals)
    refused = {each.label: verdicts[each.key] for each in proposals if not verdicts[each.key].accepted}
    if refused:
        raise of_refused(TogetherRefused(refused))
    found = {each.label: findings(verdicts[each.key].diagnostics) for each in proposals}
    return ReleaseOut(published=[], unchanged=[], dry_run=True, findings=found)


def published(script: Script, before: int | None) -> Published:
    """Compare the live version with the one before the request."""
    script.refresh_from_db()
    version = script.active_version
    assert version is not None
    return Published(
        script=str(script),
        version=version.number,
        digest=version.sha256,
        changed=version.pk != before,
        warnings=findings([diagnostic_of(each) for each in version.diagnostics]),
    )


def require_switch() -> None:
    """The switch that leaves publishing to commands holds here as in the browser. Raises Problem."""
    if not conf.SCRIPTING_BROWSER_PUBLISH:
        raise Problem(
            403,
            "switched_off",
            "Publishing from outside the server is switched off for this site (SCRIPTING_BROWSER_PUBLISH).",
        )


@contextlib.contextmanager
def stating(script: Script | None) -> Iterator[None]:
    """Turn refusals to publish into problems. What is live already is no problem: the answer says that nothing changed."""
    try:
        yield
    except AlreadyActive:
        pass
    except (PublishRefused, ChangeRefused) as refused:
        raise of_refused(refused, script) from None


def of_refused(refused: PublishRefused | ChangeRefused, script: Script | None = None) -> Problem:
    """Why nothing was made live, as a problem."""
    match refused:
        case StaleBase():
            live = script.active_version.number if script and script.active_version else None
            return Problem(409, "stale_base", f"{refused}.", live=live)
        case TogetherRefused():
            found = {label: _plain(verdict.diagnostics) for label, verdict in refused.refused.items()}
            return Problem(422, "check_failed", f"{refused}.", findings=found)
        case ValuesRefused():
            return Problem(422, "values", f"{refused}.", problems=refused.problems)
        case WillFail():
            return Problem(409, "will_fail", f"{refused}.", findings=_plain(refused.diagnostics))
        case OverrideForbidden():
            return Problem(403, "forbidden", str(refused))
        case GateClosed():
            judged = [
                {"script": str(each.change.script), "problems": each.problems, "evidence": each.in_words}
                for each in refused.judged
            ]
            return Problem(422, "gate_closed", f"{refused}.", judged=judged, may_ask=refused.unapproved)
        case PublishRefused() if refused.diagnostics:
            return Problem(422, "check_failed", f"{refused}.", findings=_plain(refused.diagnostics))
    return Problem(422, "refused", f"{refused}.")


def _plain(diagnostics: Any) -> list[dict[str, Any]]:
    return [each.model_dump() for each in findings(diagnostics)]
