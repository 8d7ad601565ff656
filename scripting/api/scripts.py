"""Scripts over the API: read, check, try, replay, publish, roll back. Each asks the layer that the pages ask."""

from __future__ import annotations

from typing import Annotated, Any

from ninja import Field, Query, Router, Schema

from scripting.api.access import ApiRequest, demand, script_for
from scripting.api.problems import Problem
from scripting.api.releases import Published, published, require_switch, stating
from scripting.api.shapes import (
    Failure,
    Finding,
    ScriptOut,
    VersionOut,
    failure_of,
    findings,
    script_out,
    version_out,
)
from scripting.bus import publishing as bus
from scripting.engine import get_engine
from scripting.evidence import corpus as corpora
from scripting.evidence.corpus import Selection
from scripting.evidence.decide import would_refuse
from scripting.evidence.gate import with_evidence
from scripting.evidence.kept import report_of
from scripting.evidence.replays import candidate_of
from scripting.execution.comparison import compared
from scripting.execution.run import on_inputs
from scripting.execution.traces import described
from scripting.models import Case, Script, ScriptVersion
from scripting.models.tokens import Action
from scripting.modules.calls import CallContext
from scripting.modules.installed import limits_for, modules
from scripting.modules.masking import NOTHING
from scripting.modules.topics import topics
from scripting.registry import publishing
from scripting.registry.bundles import bundle_for
from scripting.registry.checking import namespace_of
from scripting.registry.moves import AnyBase, AtGate
from scripting.sandbox.languages.table import LANGUAGES
from scripting.subscriptions.subscribed import runs_on
from scripting.types import ScriptInput, Source

router = Router(tags=["scripts"])

PAGE = 50
REPLAY_SECONDS = 60.0
SCRIPT = "/scripts/{module}/{name}"


class Text(Schema):
    """A text of a script."""

    source: str
    language: str = "python"


class VersionText(VersionOut):
    """A version with its text."""

    source: str
    diagnostics: list[dict[str, Any]]


class CaseOut(Schema):
    """A case of a script."""

    script: str
    name: str
    digest: str = Field(description="sha256 of the document, hex.")
    document: str = Field(description="The case as its file holds it.")


class Checked(Schema):
    """The findings of a check."""

    ok: bool
    findings: list[Finding]


class TrialIn(Schema):
    """A trial: a text, a version, or the live one; on a topic's payload, or on context variables."""

    source: str | None = None
    language: str = "python"
    version: int | None = None
    topic: str | None = None
    payload: dict[str, Any] | None = None
    context: dict[str, Any] | None = Field(None, description="Context variables by name, instead of a topic's payload.")
    seed: int | None = Field(None, ge=0, lt=2**63)
    values: bool = Field(False, description="Tell what each line of the text and of its helpers did.")


class TrialOut(Schema):
    """The outcome of a trial: nothing of it took effect."""

    status: str
    result: Any
    logs: list[str]
    effects: list[dict[str, Any]]
    refusal: str = Field(description="Why the game would not admit the result; empty where it would.")
    error: Failure | None
    seed: int | None
    wall_us: int
    values: dict[str, Any] | None = Field(
        description="Of each text its lines with how often they ran, and those that did not; steps are [text, line, turn, kind, [[name, value], …]]."
    )


class ReplayIn(Schema):
    """A replay: which text on which executions; without a text and a version, the live version on its own record."""

    source: str | None = None
    language: str = "python"
    version: int | None = None
    last: int | None = Field(None, ge=1, le=10_000)
    topic: str = ""
    status: str = ""
    key: str = ""


class PublishIn(Text):
    """A text to publish."""

    reason: str
    base: int | None = Field(None, description="Number of the version it was made from: refused if another is live.")
    confirmed: bool = Field(False, description="Publish it although it will certainly fail.")
    override: str = Field(
        "",
        max_length=2000,
        description="Why it is to go live although the gate is closed; takes scripting.override_gate.",
    )


class RollbackIn(Schema):
    """A version to make live again."""

    version: int = Field(ge=1, lt=2**31)
    reason: str
    override: str = Field(
        "",
        max_length=2000,
        description="Why it is to go live although the gate is closed; takes scripting.override_gate.",
    )


@router.get("/scripts", response=list[ScriptOut])
def scripts(request: ApiRequest) -> list[ScriptOut]:
    """The scripts that the token is for."""
    demand(request, Action.READ)
    found = Script.objects.in_use().select_related("active_version__author", "default_version__author", "active_knobs")
    return [script_out(each, _runs_on(each)) for each in found if request.auth.covers(str(each))]


@router.get("/namespace", response=dict[str, Any])
def namespace(request: ApiRequest) -> dict[str, Any]:
    """Tell what a check knows of each module beside the texts: `goby check` works with it where no server is."""
    demand(request, Action.READ)
    return {module.name: namespace_of(module).as_json() for module in modules}


@router.get("/cases", response=list[CaseOut])
def cases(request: ApiRequest) -> list[CaseOut]:
    """The cases of the scripts that the token is for."""
    demand(request, Action.READ)
    found = Case.objects.kept().filter(script__in=Script.objects.in_use()).select_related("script")
    return [
        CaseOut(script=str(each.script), name=each.name, digest=each.digest, document=each.document)
        for each in found.order_by("script_id", "name")
        if request.auth.covers(str(each.script))
    ]


@router.get(SCRIPT, response=ScriptOut)
def script(request: ApiRequest, module: str, name: str) -> ScriptOut:
    """One script."""
    found = script_for(request, Action.READ, module, name)
    return script_out(found, _runs_on(found))


@router.get(f"{SCRIPT}/versions", response=list[VersionOut])
def versions(
    request: ApiRequest, module: str, name: str, before: Annotated[int | None, Query(ge=1, lt=2**31)] = None
) -> list[VersionOut | None]:
    """The newest versions, 50 at a time; older ones with `before=<number of the last>`."""
    found = script_for(request, Action.READ, module, name).versions.select_related("author").defer("content", "source")
    if before is not None:
        found = found.filter(number__lt=before)
    return [version_out(each) for each in found.order_by("-number")[:PAGE]]


@router.get(f"{SCRIPT}/versions/{{int:number}}", response=VersionText)
def version(request: ApiRequest, module: str, name: str, number: int) -> dict[str, Any]:
    """One version with its text."""
    found = version_of(script_for(request, Action.READ, module, name), number)
    base = version_out(found)
    assert base is not None
    return base.model_dump() | {"source": found.editable_text, "diagnostics": found.diagnostics}


@router.post(f"{SCRIPT}/check", response=Checked)
def check(request: ApiRequest, module: str, name: str, text: Text) -> dict[str, Any]:
    """Check a text in a sandbox; nothing is stored."""
    demand(request, Action.CHECK, f"{module}/{name}")
    require_language(text.language)
    report = publishing.check(module, name, text.language, text.source)
    return {"ok": report.ok, "findings": findings(report.diagnostics)}


@router.post(f"{SCRIPT}/try", response=TrialOut)
def try_(request: ApiRequest, module: str, name: str, wanted: TrialIn) -> dict[str, Any]:
    """Run a text as a trial: effects are listed, not carried out."""
    target = script_for(request, Action.TRY, module, name)
    source, language = text_of(target, wanted.source, wanted.language, wanted.version)
    inputs = _context(target, wanted)
    output = get_engine().execute_source(
        source,
        language,
        input=ScriptInput(inputs, wanted.seed),
        limits=limits_for(target.module, **target.limit_changes()),
        module_name=target.module,
        name=target.name,
        traces=wanted.values,
    )
    if output.refused:
        raise Problem(422, "inputs", output.error.message if output.error else "The inputs do not fit.")
    module_ = modules.get(target.module)
    text = Source(str(target), language, source)
    seen = compared(output, module_)
    return {
        "status": output.status,
        "result": output.result,
        "logs": list(output.logs),
        "effects": [{"name": call.name, "arguments": dict(call.arguments)} for call in seen.effects],
        "refusal": "" if seen.error else would_refuse(module_, call_on(target, inputs), output.result),
        "error": failure_of(output.error),
        "seed": output.seed,
        "wall_us": output.metrics.wall_us,
        "values": None if output.trace is None else described(output.trace, bundle_for(text), NOTHING),
    }


@router.post(f"{SCRIPT}/replay", response=dict[str, Any])
def replay(request: ApiRequest, module: str, name: str, wanted: ReplayIn) -> dict[str, Any]:
    """Decide recorded executions again by a text or a version: the report, as `replay_script --json` prints it."""
    target = script_for(request, Action.TRY, module, name)
    source, language = text_of(target, wanted.source, wanted.language, wanted.version)
    report = publishing.check(target.module, target.name, language, source)
    if not report.ok:
        raise not_checked(findings(report.diagnostics))
    corpus = corpora.resolve(target, Selection(wanted.last, topic=wanted.topic, status=wanted.status, key=wanted.key))
    if not corpus.ids:
        raise Problem(409, "nothing_recorded", f"No recorded execution of {target} fits.")
    user = request.auth.user.get_username()
    title = f"v{wanted.version}" if wanted.version else f"text of {request.auth.name}"
    kept = report_of(corpus, candidate_of(target, source, language), title=title, user=user, seconds=REPLAY_SECONDS)
    return {**kept.document, "report": str(kept.pk)}


@router.post(f"{SCRIPT}/publish", response=Published)
def publish(request: ApiRequest, module: str, name: str, wanted: PublishIn) -> Published:
    """Check, store and make live: as the workbench does, with the same refusals."""
    target = script_for(request, Action.PUBLISH, module, name)
    require_switch()
    require_language(wanted.language)
    base = AnyBase if wanted.base is None else version_of(target, wanted.base)
    before, user = target.active_version_id, request.auth.user
    how: dict[str, Any] = {"reason": wanted.reason, "base": base, "confirmed": wanted.confirmed}
    how["at_gate"] = AtGate(wanted.override, wants_advice=True)
    with stating(target):
        with_evidence(
            lambda: publishing.publish(target, wanted.language, wanted.source, actor=user, **how),
            user=user.get_username(),
        )
    return published(target, before)


@router.post(f"{SCRIPT}/rollback", response=Published)
def rollback(request: ApiRequest, module: str, name: str, wanted: RollbackIn) -> Published:
    """Make an old version live again."""
    target = script_for(request, Action.PUBLISH, module, name)
    found, before = version_of(target, wanted.version), target.active_version_id
    if not target.activations.filter(version=found).exists():
        require_switch()
    user, at_gate = request.auth.user, AtGate(wanted.override, wants_advice=True)
    with stating(target):
        with_evidence(
            lambda: publishing.rollback(target, found.number, actor=user, reason=wanted.reason, at_gate=at_gate),
            user=user.get_username(),
        )
    return published(target, before)


def version_of(script: Script, number: int) -> ScriptVersion:
    """Raises Problem."""
    found = script.versions.filter(number=number).select_related("author").first() if 0 < number < 2**31 else None
    if found is None:
        raise Problem(404, "no_version", f"{script} has no version {number}.")
    return found


def text_of(script: Script, source: str | None, language: str, number: int | None) -> tuple[str, str]:
    """The text that is asked for, and its language: given, a version's, or the live one's. Raises Problem."""
    if source is not None and number is not None:
        raise Problem(422, "two_texts", "Give one of source and version.")
    if source is not None:
        require_language(language)
        return source, language
    found = script.active_version if number is None else version_of(script, number)
    if found is None:
        raise Problem(409, "nothing_live", f"No version of {script} is live: give a source or a version.")
    return found.editable_text, found.language


def require_language(language: str) -> None:
    if language not in LANGUAGES:
        raise Problem(422, "language", f"There is no language {language[:60]!r} (there are: {', '.join(LANGUAGES)}).")


def not_checked(found: list[Finding]) -> Problem:
    first = next((each.message for each in found if each.severity == "error"), "it does not pass its check")
    plain = [each.model_dump() for each in found]
    return Problem(422, "check_failed", f"The text does not pass its check: {first}", findings=plain)


def _context(script: Script, wanted: TrialIn) -> dict[str, Any]:
    """The context variables of a trial. Raises Problem or TopicError."""
    if (wanted.topic is None) == (wanted.context is None):
        raise Problem(422, "inputs", "Give a topic with its payload, or context.")
    if wanted.context is not None:
        return wanted.context
    assert wanted.topic is not None
    if wanted.topic not in topics:
        raise Problem(422, "inputs", f"There is no topic {wanted.topic[:60]!r}: GET topics lists them.")
    event = bus.make_event(wanted.topic, wanted.payload or {}, event_id="trial")
    return event.script_context(script.module)


def call_on(script: Script, inputs: dict[str, Any]) -> CallContext:
    """On whose behalf a trial on these inputs runs."""
    return on_inputs(CallContext(script.module, script.name, "", trial=True), inputs)


def _runs_on(script: Script) -> list[str]:
    return runs_on(script.module, script.name)
