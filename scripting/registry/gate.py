"""The gate: what a change must show before it goes live, on whichever way. It looks up evidence; `scripting.evidence.gate` makes it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from scripting.models import (
    SHARED,
    Activation,
    Case,
    CaseChange,
    Evidence,
    GatePolicy,
    KnobSet,
    Review,
    ReviewedChange,
    Script,
    ScriptVersion,
)
from scripting.models.gate import grouped
from scripting.modules.installed import limits_for, modules
from scripting.registry.bundles import Values
from scripting.registry.dependents import Key, World
from scripting.registry.gate_limits import exceeded, is_small
from scripting.registry.gate_policies import Approval, Mode, Policies
from scripting.registry.moves import Move, PublishRefused
from scripting.texts.escaping import one_line
from scripting.types import Bundle, Source

OVERRIDE = "scripting.override_gate"
"""The permission to make a version live although the gate is closed."""
MAX_REASON = 2000
UNAPPROVED = "nobody else has approved it yet: ask for a review"


@dataclass(frozen=True)
class Change:
    """A change of what a script decides: its own text does, or a helper that it imports."""

    script: Script
    before: Bundle | None
    """The live bundle; None where nothing is live."""
    after: Bundle
    title: str
    """The candidate in words: `v12`, or `v3 with a changed helper`."""
    together: Mapping[str, Bundle] = field(default_factory=dict)
    """All that changes of the module together with it, by script, itself included."""
    is_shipped: bool = False
    """Whether it is the first text that a module ships for it: nothing else could run."""

    @cached_property
    def beside(self) -> str:
        """sha256 (hex) over what else decides in a whole play: the module's other scripts, helpers, what changes together with it."""
        others = Script.objects.in_use().filter(module__in=[self.script.module, SHARED]).exclude(pk=self.script.pk)
        columns = ("module", "name", "enabled", "active_version_id", "active_knobs_id")
        live = list(others.order_by("module", "name").values_list(*columns))
        changed = sorted((name, bundle.digest) for name, bundle in self.together.items())
        return hashlib.sha256(f"{live} {changed}".encode()).hexdigest()

    case_changes: tuple[CaseChange, ...] = ()
    """Cases of the script that are kept, or go, with the change."""

    def kept_cases(self) -> list[Case]:
        """The script's cases as they are once the change is live."""
        found = {case.name: case for case in self.script.cases.kept()}
        for each in self.case_changes:
            found.pop(each.name, None)
            if each.content is not None:
                found[each.name] = Case(script=self.script, name=each.name)
                found[each.name].write(each.content, Case.Origin.EDITOR)
        return [found[name] for name in sorted(found)]

    @cached_property
    def cases(self) -> str:
        """Digest of the script's cases."""
        if not self.case_changes:
            return self.script.cases.kept().contents_digest()
        lines = "".join(f"{case.name} {case.digest}\n" for case in self.kept_cases())
        return hashlib.sha256(lines.encode()).hexdigest()

    @cached_property
    def rests_on(self) -> str:
        """sha256 (hex) over all that evidence on it rests on: made again, it comes out alike while this does."""
        limits = limits_for(self.script.module, **self.script.limit_changes())
        live = self.before.digest if self.before else ""
        return hashlib.sha256(f"{self.after.digest} {live} {self.cases} {limits!r}".encode()).hexdigest()

    @property
    def needs_none(self) -> bool:
        """Whether there is nothing to compare with, and nothing to hold it to."""
        return self.before is None and not self.kept_cases()


@dataclass(frozen=True)
class Judged:
    """A change at the gate: its policy, the evidence there is, and what stands against it."""

    change: Change
    policy: GatePolicy
    evidence: Evidence | None
    review: Review | None = None
    """The review in which somebody approved exactly this change."""

    @property
    def is_lacking(self) -> bool:
        """Whether it must be tried (again) before the gate can tell."""
        if not (self._is_weighed or self.policy.approval == Approval.ABOVE) or self.change.needs_none:
            return False
        return self.evidence is None or self.evidence.asked < self.policy.last or self._lacks_plays(self.evidence)

    @property
    def asks_for_plays(self) -> bool:
        """Whether whole plays are to be played: its module simulates them, and there is something to compare with."""
        module = modules.get(self.change.script.module)
        simulates = module is not None and module.simulates
        return bool(self.policy.play_limits) and simulates and self.change.before is not None

    def _lacks_plays(self, evidence: Evidence) -> bool:
        if not self.asks_for_plays:
            return False
        played = evidence.played
        return played is None or played["asked"] < self.policy.plays or played["beside"] != self.change.beside

    @property
    def _is_weighed(self) -> bool:
        """Whether its evidence is held to the limits of the policy."""
        return self.policy.mode in (Mode.ADVISE, Mode.REQUIRE)

    @property
    def needs_approval(self) -> bool:
        """Whether somebody else must approve it, as far as is known now."""
        if self.policy.approval == Approval.NONE or self.change.is_shipped:
            return False
        return self.policy.approval == Approval.ALWAYS or not is_small(self.policy, self.evidence)

    @property
    def lacks_approval(self) -> bool:
        return self.needs_approval and self.review is None

    @cached_property
    def excesses(self) -> list[str]:
        """Each excess of the evidence over the policy, in words; empty where it passes."""
        if self.is_lacking:
            played = f", or not played yet {grouped(self.policy.plays)} times" if self.asks_for_plays else ""
            return [f"not replayed yet on the last {grouped(self.policy.last)} decisions{played}"]
        return exceeded(self.policy, self.evidence) if self.evidence and self._is_weighed else []

    @cached_property
    def problems(self) -> list[str]:
        """All that stands against it, in words."""
        return [*self.excesses, *([UNAPPROVED] if self.lacks_approval and not self.is_lacking else [])]

    @property
    def in_words(self) -> str:
        """The evidence in words: `1 000 decisions, 37 changed, 0 failing`; empty without evidence."""
        return self.evidence.in_words if self.evidence else ""

    @property
    def passes(self) -> bool:
        return not self.problems

    @property
    def is_closed(self) -> bool:
        return (self.policy.mode == Mode.REQUIRE and bool(self.excesses)) or self.lacks_approval


class GateClosed(PublishRefused):
    """The policy requires evidence that passes, and there is none. Every text is kept.

    `lacking` are changes without evidence: make it (`scripting.evidence.gate`), then ask again. It is empty where the
    evidence is there and does not pass. `versions` were to become active.
    """

    def __init__(self, judged: Sequence[Judged], versions: Sequence[ScriptVersion]) -> None:
        self.unapproved = not any(each.is_lacking for each in judged) and any(each.lacks_approval for each in judged)
        """Whether somebody may approve it now: ask for a review."""
        self.judged = tuple(judged)
        self.versions = tuple(versions)
        self.lacking = tuple(each.change for each in judged if each.is_lacking)
        super().__init__(f"the gate is closed: {in_words(judged)}", versions[0] if versions else None)


class OverrideForbidden(PublishRefused):
    """Passing a closed gate needs the permission scripting.override_gate: ask an admin for it."""

    def __init__(self) -> None:
        super().__init__(self.__doc__ or "")


@dataclass
class Passage:
    """The evidence of moves at the gate: kept with their activations."""

    evidence: Mapping[int, Sequence[Evidence]] = field(default_factory=dict)
    """Of each script that moves, by its primary key; a helper has that of the scripts that import it."""
    overridden: bool = False
    reviews: Mapping[int, Review] = field(default_factory=dict)
    """In which somebody approved the move, by the primary key of its script."""


def pass_gate(moves: Sequence[Move], locked: Mapping[int, Script], case_changes: Sequence[CaseChange] = ()) -> Passage:
    """Let moves of the locked scripts through, held to the cases that come with them. Raises GateClosed, OverrideForbidden.

    What was live before passes unseen when it is rolled back to, or comes back since a file is gone: that must not wait in an
    emergency.
    """
    policies = Policies.read()
    if not policies.any_at_work or all(_comes_back(move) for move in moves):
        return Passage()
    candidates = [Candidate.of(move, locked[move.script.pk]) for move in moves]
    judged = judge(changes_of(candidates, case_changes), policies, hold=True)
    moved = [move.version for move in moves if move.version is not None]
    closed = [each for each in judged if each.is_closed]
    unheard = [each for each in judged if each.is_lacking]
    if unheard and any(move.at_gate.wants_advice for move in moves):
        raise GateClosed(judged, moved)
    overridden = False
    if closed:
        if not all(move.at_gate.override.strip() for move in moves):
            raise GateClosed(closed, moved)
        if not all(move.actor is None or move.actor.has_perm(OVERRIDE) for move in moves):
            raise OverrideForbidden
        overridden = True
    about = {move.script.pk: _about(move, judged) for move in moves}
    return Passage(
        {pk: [each.evidence for each in found if each.evidence is not None] for pk, found in about.items()},
        overridden,
        {pk: each.review for pk, found in about.items() for each in found if each.review is not None},
    )


def judge(changes: Iterable[Change], policies: Policies | None = None, *, hold: bool = False) -> list[Judged]:
    """Hold changes against the policies of their scripts, by the evidence and the approvals that there are now.

    `hold` locks the reviews that are found: none is withdrawn before the transaction ends.
    """
    policies, found = policies or Policies.read(), []
    for change in changes:
        policy = policies.of(change.script)
        review = approval_of(change, hold=hold) if policy.approval != Approval.NONE else None
        found.append(Judged(change, policy, evidence_on(change), review))
    return found


def approval_of(change: Change, *, hold: bool = False) -> Review | None:
    """The newest review in which somebody approved exactly this change."""
    reviews = Review.objects.select_for_update() if hold else Review.objects.all()
    live = change.before.digest if change.before else ""
    of = ReviewedChange.objects.filter(script=change.script, candidate=change.after.digest, live=live).values("review")
    states = (Review.State.APPROVED, Review.State.LIVE)
    return reviews.filter(pk__in=of, state__in=states, approved_at__isnull=False).order_by("-pk").first()


def evidence_on(change: Change) -> Evidence | None:
    """The newest evidence on exactly this change."""
    return Evidence.objects.filter(rests_on=change.rests_on).order_by("-id").first()


@dataclass(frozen=True)
class Candidate:
    """A text, stored or not, that is to be live for a script; None where nothing is to be."""

    script: Script
    source: Source | None
    title: str
    values: Values | None = None
    """Of its knobs; None for those that are active."""
    is_shipped: bool = False
    """Whether it is the first text that a module ships for the script."""

    @staticmethod
    def of(move: Move, locked: Script) -> Candidate:
        title = f"v{move.version.number}" if move.version else ""
        if not move.is_of_knobs:
            is_shipped = move.cause == Activation.Cause.DEFAULT
            return Candidate(locked, _source(locked, move.version), title, is_shipped=is_shipped)
        knobs = move.knobs if isinstance(move.knobs, KnobSet) else None
        title += f" with knobs {knobs.number}" if knobs else " with its own values"
        return Candidate(locked, _source(locked, move.version), title, knobs.all_values if knobs else {})

    @staticmethod
    def of_version(version: ScriptVersion) -> Candidate:
        return Candidate(version.script, _source(version.script, version), f"v{version.number}")


def changes_of(candidates: Sequence[Candidate], case_changes: Sequence[CaseChange] = ()) -> list[Change]:
    """The scripts that decide otherwise once these are live, all together: each with its bundle of now and of then.

    `case_changes` are what becomes of cases with it.
    """
    now = World()
    then = now.with_knobs({str(each.script): each.values for each in candidates if each.values is not None})
    helpers = {str(each.script): each.source for each in candidates if each.script.module == SHARED}
    found = []
    for each in candidates:
        script = each.script
        if script.module == SHARED or each.source is None:
            continue
        source = _source(script, script.active_version)
        before = None if source is None else now.bundle(source, {})
        after = then.bundle(each.source, helpers)
        if before is None or before.digest != after.digest:
            found.append(Change(script, before, after, each.title, is_shipped=each.is_shipped))
    moved = {(each.script.module, each.script.name) for each in candidates}
    changes = _together([*found, *(_through_helpers(now, then, helpers, moved) if helpers else ())])
    if not case_changes:
        return changes
    return [
        replace(change, case_changes=tuple(each for each in case_changes if each.script.pk == change.script.pk))
        for change in changes
    ]


def _together(changes: Sequence[Change]) -> list[Change]:
    """Each with those of its module that it goes live with."""
    by_module: dict[str, dict[str, Bundle]] = {}
    for change in changes:
        by_module.setdefault(change.script.module, {})[change.script.name] = change.after
    return [replace(change, together=by_module[change.script.module]) for change in changes]


def _through_helpers(
    now: World, then: World, helpers: Mapping[str, Source | None], moved: Collection[Key]
) -> Iterator[Change]:
    """The live scripts, but for those that move themselves, that import what changes."""
    title = f"with the new {' and '.join(sorted(helpers))}"
    for key, version in now.versions.items():
        source = _source(version.script, version)
        if key in moved or version.script.module == SHARED or source is None:
            continue
        before, after = now.bundle(source, {}), then.bundle(source, helpers)
        if before.digest != after.digest:
            yield Change(version.script, before, after, one_line(f"v{version.number} {title}", 190))


def in_words(judged: Sequence[Judged]) -> str:
    """All that stands against changes, in one line; the scripts are named where there are several."""
    named = len({each.change.script.pk for each in judged}) > 1
    parts = [
        (f"{each.change.script}: " if named else "") + "; ".join(each.problems) for each in judged if each.problems
    ]
    return "; ".join(parts) or "nothing stands against it"


def _source(script: Script, version: ScriptVersion | None) -> Source | None:
    return None if version is None else Source(str(script), version.language, version.text)


def _comes_back(move: Move) -> bool:
    """Whether the move only brings back what was live before, or takes away what is."""
    if move.cause not in (Activation.Cause.ROLLBACK, Activation.Cause.FILE_DELETED):
        return False
    if move.version is None:
        return True
    if not move.is_of_knobs:
        return was_live(move.script, move.version)
    knobs = move.knobs if isinstance(move.knobs, KnobSet) else None
    return Activation.objects.filter(script=move.script, knobs=knobs).exists()


def was_live(script: Script, version: ScriptVersion) -> bool:
    return Activation.objects.filter(script=script, version=version).exists()


def _about(move: Move, judged: Sequence[Judged]) -> list[Judged]:
    """The changes that a move makes: of its own script, or of those that import the helper."""
    name = str(move.script)
    return [
        each
        for each in judged
        if each.change.script.pk == move.script.pk or any(helper.name == name for helper in each.change.after.helpers)
    ]
