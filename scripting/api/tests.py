"""Run cases on the server for a machine that has files: texts and cases come with the request, and nothing is stored."""

from __future__ import annotations

from typing import Any

from ninja import Field, Router, Schema

from scripting.api.access import ApiRequest, demand
from scripting.api.problems import Problem
from scripting.api.releases import ReleaseText, require_known
from scripting.evidence import case_runs
from scripting.evidence.decide import Decider
from scripting.models import SHARED, Script
from scripting.models.tokens import Action
from scripting.modules.installed import limits_for, modules
from scripting.registry.dependents import World
from scripting.texts import case_text
from scripting.texts.case_text import CaseProblem
from scripting.types import Bundle, Source

router = Router(tags=["scripts"])

MOST_CASES = 2000


class CaseIn(Schema):
    """A case of a script, as its file holds it."""

    module: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    script: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    case: dict[str, Any]


class TestsIn(Schema):
    """Texts and cases. A script without a text here is decided by its live version; helpers here stand before live ones."""

    scripts: list[ReleaseText] = Field(default_factory=list, max_length=200)
    cases: list[CaseIn] = Field(min_length=1, max_length=MOST_CASES)


class TestedOut(Schema):
    """The outcome of one case."""

    script: str
    case: str
    passed: bool
    message: str = Field(description="Why it is red; empty where it passed.")


@router.post("/tests", response=list[TestedOut])
def tests(request: ApiRequest, wanted: TestsIn) -> list[TestedOut]:
    """Decide cases by the texts of the request, or by what is live; nothing is stored and nothing takes effect."""
    demand(request, Action.TRY, *sorted({f"{each.module}/{each.script}" for each in wanted.cases}))
    require_known(wanted.scripts)
    sources = {
        f"{each.module}/{each.name}": Source(f"{each.module}/{each.name}", each.language, each.source)
        for each in wanted.scripts
    }
    helpers = {name: source for name, source in sources.items() if name.startswith(f"{SHARED}/")}
    world, deciders = World(), dict[str, Decider]()
    live = Script.objects.in_use().exclude(active_version=None).select_related("active_version")
    found = []
    for each in wanted.cases:
        label = f"{each.module}/{each.script}"
        if label not in deciders:
            script = live.named(each.module, each.script).first()
            bundle = _bundle(world, script, label, sources.get(label), helpers)
            own = script.limit_changes() if script else {}
            deciders[label] = Decider(bundle, limits_for(each.module, **own), modules.get(each.module))
        found.append(_tested(each, label, deciders[label]))
    return found


def _bundle(
    world: World, script: Script | None, label: str, source: Source | None, helpers: dict[str, Source]
) -> Bundle:
    """By which the cases of a script are decided. Raises Problem."""
    if source is None:
        version = script.active_version if script else None
        if version is None:
            raise Problem(422, "no_script", f"{label} has cases, but no text here and none that is live.")
        source = Source(label, version.language, version.text)
    return world.bundle(source, helpers)


def _tested(each: CaseIn, label: str, decider: Decider) -> TestedOut:
    try:
        case = case_text.from_plain(each.case)
    except CaseProblem as problem:
        return TestedOut(script=label, case=each.name, passed=False, message=f"is no case: {problem}")
    outcome = case_runs.run(each.name, case, decider, modules.get(each.module), (each.module, each.script))
    return TestedOut(script=label, case=each.name, passed=outcome.passed, message=outcome.message)
