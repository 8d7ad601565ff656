"""Find what of a group of new texts can be taken.

Those of one batch are taken together or not at all. A batch that yields (a file that was rejected before, an embedded default) is left
out where it does not fit: it never holds back what arrived now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scripting.models import SHARED
from scripting.registry.dependents import Key, World
from scripting.registry.judging import Proposal, Verdict, helper_changes, judge
from scripting.types import Diagnostic, ErrorType

Batch = Sequence[Proposal]


def settle(group: Sequence[Proposal], world: World | None = None) -> dict[Key, Verdict]:
    """A verdict on each text of a group: those accepted fit together."""
    world = world or World()
    settled: dict[Key, Verdict] = {}
    left = list(group)
    while left:
        verdicts = judge(left, world)
        at_fault = _at_fault(left, verdicts, world)
        if not at_fault:
            return settled | verdicts
        old = [proposal for proposal in at_fault if proposal.yields]
        if not old and any(proposal.yields for proposal in left):
            return settled | _one_by_one(left, world)  # what arrived may fit without what was there before
        out = {proposal.batch for proposal in old or at_fault}
        leaving = [proposal for proposal in left if proposal.batch in out]
        settled |= {proposal.key: _left_out(proposal, leaving, verdicts, at_fault) for proposal in leaving}
        left = [proposal for proposal in left if proposal.batch not in out]
    return settled


def _one_by_one(left: Sequence[Proposal], world: World) -> dict[Key, Verdict]:
    """Take what arrived, if it fits, then every other batch that fits beside what is taken."""
    batches: dict[str, list[Proposal]] = {}
    for proposal in sorted(left, key=lambda proposal: proposal.yields):
        batches.setdefault(proposal.batch, []).append(proposal)
    settled: dict[Key, Verdict] = {}
    taken: list[Proposal] = []
    again = True
    while again:
        again = False
        for name, batch in list(batches.items()):
            together = [*taken, *batch]
            verdicts = judge(together, world)
            at_fault = _at_fault(together, verdicts, world)
            if at_fault:
                settled |= {proposal.key: _left_out(proposal, batch, verdicts, at_fault) for proposal in batch}
            else:
                settled |= verdicts
                taken, again = together, True
                del batches[name]
    return settled


def _at_fault(left: Sequence[Proposal], verdicts: Mapping[Key, Verdict], world: World) -> list[Proposal]:
    """The texts that fail, apart from those that merely import one that fails."""
    failing = [proposal for proposal in left if not verdicts[proposal.key].accepted]
    changes, names = helper_changes(left), {proposal.label for proposal in failing}
    imported = {
        proposal.key: {helper.name for helper in world.bundle(source, changes).helpers} & names
        for proposal in failing
        if (source := proposal.source) is not None
    }
    roots = [proposal for proposal in failing if not imported.get(proposal.key)]
    if roots or not failing:
        return roots
    return [min(failing, key=lambda proposal: (proposal.module != SHARED, proposal.label))]  # of a circle


def _left_out(
    proposal: Proposal, batch: Batch, verdicts: Mapping[Key, Verdict], at_fault: Sequence[Proposal]
) -> Verdict:
    """The verdict on a text of a batch that is left out: its own faults, or whose it shares."""
    verdict = verdicts[proposal.key]
    errors = [diagnostic for diagnostic in verdict.diagnostics if diagnostic.severity == "error"]
    passed_on = tuple(f"in {other.label}: " for other in at_fault if other != proposal)
    if any(not error.message.startswith(passed_on) for error in errors):
        return verdict
    mates = [other for other in at_fault if other in batch and other.batch == proposal.batch]
    if mates:
        names = ", ".join(other.label for other in mates)
        message = f"held back, since it arrived together with {names}, which did not pass: mend it, and all are taken"
    else:
        broken = at_fault[0]
        why = verdicts[broken.key].first_error.message
        message = f"would break {broken.label}, which changed too: {why}"
    return Verdict(False, (Diagnostic("error", ErrorType.COMPILATION, message), *verdict.diagnostics))
