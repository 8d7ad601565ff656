"""Cases in the workbench: run by the text of the page, kept from a trial, opened to be tried, changed, deleted."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from scripting.evidence import case_runs, cases
from scripting.evidence.case_making import case_of_run
from scripting.evidence.case_runs import CaseOutcome
from scripting.evidence.decide import Decider, Situation
from scripting.evidence.replays import candidate_of
from scripting.execution.comparison import equal
from scripting.models import Case, Script
from scripting.models.script import NAME_PATTERN
from scripting.modules.installed import limits_for, modules
from scripting.modules.masking import mask_of_inputs
from scripting.supervisor.errors import SupervisorError
from scripting.supervisor.interface import Cancellation
from scripting.texts import case_text
from scripting.texts.case_text import CaseProblem, CaseText
from scripting.texts.escaping import one_line, visible
from scripting.texts.plain_json import from_json, jsonable
from scripting.workbench import recorded, replays, trials
from scripting.workbench.access import Refusal, known_language, text_in

SECONDS = 10.0
"""Cases that the page runs by itself end after so long; what has not run by then counts as red."""
HOLDS = ("equal", "within", "class")


def ran(script: Script, source: str, language: str, cancellation: Cancellation) -> dict[str, Any]:
    """Every case of the script with what becomes of it by this text. Raises Refusal."""
    kept = list(script.cases.kept())
    outcomes: list[CaseOutcome] = []
    if kept:
        replays.demand_check(script, source, language)
        try:
            candidate = candidate_of(script, source, language)
            outcomes = cases.run_cases(script, candidate, seconds=SECONDS, cases=kept, cancellation=cancellation)
        except SupervisorError as error:
            raise Refusal(503, "unavailable", f"No sandbox could be started: {error}") from None
    red = sum(not outcome.passed for outcome in outcomes)
    return {
        "cases": [_described(case, outcome) for case, outcome in zip(kept, outcomes, strict=True)],
        "red": red,
        "sentence": f"{len(kept)} case{'' if len(kept) == 1 else 's'}" + (f", {red} red" if red else ""),
        "digest": cases.cases_digest(script),
    }


def _described(case: Case, outcome: CaseOutcome) -> dict[str, Any]:
    """A case as its row in the list. Every value is text: a browser's numbers are not exact."""
    try:
        content = case.decoded()
    except CaseProblem:
        content = CaseText()
    expected = [f"{each.at}: {each.expected}" for each in outcome.findings]
    return {
        "name": case.name,
        "note": visible(content.note),
        "origin": Case.Origin(case.origin).label.lower(),
        "user": case.user,
        "at": case.changed_at.timestamp(),
        "passed": outcome.passed,
        "message": visible(outcome.message),
        "expected": expected or ["outcome: succeeds"],
        "expect": expectations_text(content),
        "file": f"cases/{script_path(case)}.json" if case.file_digest else "",
        "shipped": bool(case.default_digest),
    }


def script_path(case: Case) -> str:
    return f"{case.script.name}/{case.name}"


def expectations_text(content: CaseText) -> str:
    """The expectations as JSON to be edited, one a line."""
    expect = json.loads(case_text.encode(content)).get("expect", [])
    lines = ",\n".join(f"  {json.dumps(each, ensure_ascii=False)}" for each in expect)
    return f"[\n{lines}\n]" if lines else "[]"


# -- kept ----------------------------------------------------------------------------------------------------------------


def keep(script: Script, document: dict[str, Any], user: str) -> dict[str, Any]:
    """Keep the trial that the page asks for as a case: it is decided here again, on what people may read of its inputs.

    Raises Refusal.
    """
    name, hold = name_in(document), text_in(document, "hold", "equal")
    if hold not in HOLDS:
        raise Refusal(400, "wrong_type", f"hold must be one of {', '.join(HOLDS)}")
    trial = (trial_on if document.get("case") else trials.trial_of)(script, document, user)
    output = trials.outcome(trial, trial.source, trial.language)
    if output.status == "cancelled" or output.left_recording:
        raise Refusal(
            409, "left", "A trial that left the recording, or was stopped, is no case: run it another way first."
        )
    reads = [*(trial.recording or ()), *(call for call in output.host_calls if not trial.recording)]
    mask = mask_of_inputs(trial.topic, trial.context)
    case = case_of_run(
        trial.context,
        trial.module,
        reads,
        seed=trial.seed,
        clock_us=output.clock_us or 0,
        mask=mask,
        reads_mask=trial.mask,
        note=text_in(document, "note", ""),
    )
    decided = _decider(script, trial.source, trial.language).decide_on(situation_of(script, case))
    expect = case_runs.expectations(decided, hold=hold, tolerance=tolerance_in(document))
    whole = checked(msgspec.structs.replace(case, expect=expect))
    try:
        cases.add(script, name, whole, user=user)
    except cases.NameTaken as taken:
        raise Refusal(409, "name_taken", f"{taken}.") from None
    shown = recorded.payload_in(recorded.source_of_run(script, trial.topic, trial.context), trial.context)
    return {"name": name, "hidden": not equal(shown, mask.value(shown))}


def _decider(script: Script, source: str, language: str) -> Decider:
    limits = limits_for(script.module, **script.limit_changes())
    return Decider(candidate_of(script, source, language), limits, modules.get(script.module))


def checked(case: CaseText) -> CaseText:
    """The case as it will be read again. Raises Refusal for what no case can hold."""
    try:
        return case_text.decode(case_text.encode(case))
    except CaseProblem as problem:
        raise Refusal(422, "no_case", f"This cannot be kept as a case: {problem}") from None


def name_in(document: dict[str, Any]) -> str:
    name = text_in(document, "name").strip()
    if not re.match(NAME_PATTERN, name):
        raise Refusal(422, "name", "A case's name has a–z, 0–9 and _, a letter first, at most 64 characters.")
    return name


def tolerance_in(document: dict[str, Any]) -> float:
    given = document.get("tolerance") or 0
    try:
        found = float(given)
    except (TypeError, ValueError):
        found = -1.0
    if not 0 <= found < 1e300:
        raise Refusal(422, "tolerance", "A tolerance is a number, 0 or more.")
    return found


# -- tried, changed, deleted -----------------------------------------------------------------------------------------------


def case_named(script: Script, name: str) -> Case:
    """Raises Refusal."""
    found = script.cases.kept().filter(name=name).first()
    if found is None:
        raise Refusal(
            404, "not_found", f"There is no case {one_line(name, 80)} of {script}: somebody may have deleted it."
        )
    return found


def content_of(case: Case) -> CaseText:
    try:
        return case.decoded()
    except CaseProblem as problem:
        raise Refusal(409, "no_case", f"The case {case.name} cannot be read: {problem}") from None


def situation_of(script: Script, case: CaseText) -> Situation:
    """Raises Refusal for what the game does not have."""
    try:
        return case_runs.situation_of(case, modules.get(script.module), script.module, script.name)
    except CaseProblem as problem:
        raise Refusal(422, "no_case", f"The case does not fit the game: {problem}") from None


def opened(script: Script, name: str) -> dict[str, Any]:
    """The inputs of a case for the form: payload as JSON text, seed as text."""
    content = content_of(case_named(script, name))
    situation = situation_of(script, content)
    source = recorded.source_of_run(script, situation.call.topic, situation.inputs)
    return {
        "case": name,
        "id": name,
        "words": f"case {name}" + (f": {one_line(content.note, 200)}" if content.note else ""),
        "source": source.key,
        "payload": json.dumps(jsonable(recorded.payload_in(source, situation.inputs))),
        "seed": str(content.seed),
        "version": None,
    }


def trial_on(script: Script, document: dict[str, Any], user: str) -> trials.Trial:
    """A trial of the page's text on a case: with its reads, seed and clock, and the payload of the page if that was changed."""
    situation = situation_of(script, content_of(case_named(script, text_in(document, "case"))))
    seed = trials.seed_of(document.get("seed"))
    topic = situation.call.topic
    context = dict(situation.inputs)
    if "payload" in document:
        context = recorded.with_payload(script, topic, context, document["payload"])
    return trials.Trial(
        script,
        text_in(document, "source"),
        known_language(text_in(document, "language")),
        context,
        situation.seed if seed is None else seed,
        situation.clock_us,
        topic,
        trials.id_of(user, text_in(document, "trial", "")),
        None if document.get("reads") == "now" else situation.reads,
    )


def change(script: Script, document: dict[str, Any], user: str) -> dict[str, Any]:
    """Take other expectations and another note. Raises Refusal."""
    case = case_named(script, text_in(document, "name"))
    try:
        expect = json.loads(text_in(document, "expect"), object_hook=from_json)
        parts = case_text.from_plain({"expect": expect, "note": text_in(document, "note", "")})
    except json.JSONDecodeError as error:
        raise Refusal(422, "no_case", f"Line {error.lineno}, column {error.colno}: {error.msg}.") from None
    except CaseProblem as problem:
        raise Refusal(422, "no_case", f"{problem}.") from None
    except (ValueError, RecursionError) as error:
        raise Refusal(422, "no_case", f"{error}.") from None
    whole = msgspec.structs.replace(content_of(case), expect=parts.expect, note=parts.note)
    cases.change(case, checked(whole), user=user)
    return {"name": case.name}


def remove(script: Script, document: dict[str, Any], user: str) -> dict[str, Any]:
    """Raises Refusal."""
    case = case_named(script, text_in(document, "name"))
    cases.remove(case, user=user)
    return {"name": case.name}
