"""Cases of scripts: run by a bundle, one digest over all of a script's, kept from what happened, changed and deleted."""

from __future__ import annotations

import math
from collections.abc import Iterable

from django.db import transaction

from scripting.evidence import case_runs
from scripting.evidence.case_runs import CaseOutcome
from scripting.evidence.decide import Decider
from scripting.evidence.time_limit import cancelled_after
from scripting.models import Case, Script
from scripting.modules.installed import limits_for, modules
from scripting.supervisor.interface import Cancellation
from scripting.texts.case_text import CaseProblem, CaseText
from scripting.types import Bundle

NO_TIME = "it has not run to its end: the time for all cases was up"


def run_cases(
    script: Script,
    bundle: Bundle,
    *,
    seconds: float = math.inf,
    cases: Iterable[Case] | None = None,
    cancellation: Cancellation | None = None,
) -> list[CaseOutcome]:
    """Run the cases of a script (or these of them) by a bundle, in the order of their names. Nothing takes effect.

    After `seconds`, or a cancel, the one that runs is stopped and no further one begins: these count as red.
    Raises SupervisorError for what is ours.
    """
    module = modules.get(script.module)
    limits = limits_for(script.module, **script.limit_changes())
    found = []
    with cancelled_after(seconds, cancellation) as stop:
        decider = Decider(bundle, limits, module, stop)
        for case in script.cases.kept() if cases is None else cases:
            outcome = None if stop.cancelled else _run(case, decider, script)
            in_time = outcome is not None and not stop.cancelled
            found.append(outcome if outcome is not None and in_time else CaseOutcome(case.name, False, NO_TIME))
    return found


def _run(case: Case, decider: Decider, script: Script) -> CaseOutcome:
    try:
        decoded = case.decoded()
    except CaseProblem as problem:
        return CaseOutcome(case.name, False, f"the case cannot be read: {problem}")
    module = modules.get(script.module)
    return case_runs.run(case.name, decoded, decider, module, (script.module, script.name))


def red_cases(script: Script, bundle: Bundle, *, seconds: float = math.inf) -> list[CaseOutcome]:
    """The cases of a script that do not hold by this bundle. Raises SupervisorError for what is ours."""
    return [outcome for outcome in run_cases(script, bundle, seconds=seconds) if not outcome.passed]


def cases_digest(script: Script) -> str:
    """sha256 (hex) over all cases of a script: another after any of them was added, changed or deleted."""
    return script.cases.kept().contents_digest()


# -- in the browser ------------------------------------------------------------------------------------------------------


class NameTaken(ValueError):
    """The script has a case of this name already."""


def add(script: Script, name: str, case: CaseText, *, user: str) -> Case:
    """Keep a new case; one that was deleted gives its name back. Raises NameTaken."""
    with transaction.atomic():
        found = script.cases.select_for_update().filter(name=name).first()
        if found is not None and found.removed_at is None:
            raise NameTaken(f"{script} has a case {name} already: choose another name")
        found = found or Case(script=script, name=name)
        found.write(case, Case.Origin.EDITOR, user=user)
        found.save()
    return found


def change(case: Case, content: CaseText, *, user: str) -> None:
    """Take another content from the browser. A file of the case counts again when it is saved the next time."""
    case.write(content, Case.Origin.EDITOR, user=user)
    case.save()


def remove(case: Case, *, user: str) -> None:
    """Delete a case, as `Case.leave` does."""
    case.leave(user)
