"""Judge new texts beside each other: each as it would run once all of them are active. Texts that imports link form a group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scripting.models import SHARED
from scripting.registry import dependents
from scripting.registry.checking import check_bundle, rests_on
from scripting.registry.dependents import Key, World
from scripting.sandbox import source_text
from scripting.types import Bundle, Diagnostic, ErrorType, Source


@dataclass(frozen=True)
class Proposal:
    """A text that is to become a script's active version."""

    module: str
    name: str
    language: str
    content: bytes
    batch: str = ""
    """Proposals of one batch are taken together or not at all."""
    yields: bool = False

    @property
    def key(self) -> Key:
        return self.module, self.name

    @property
    def label(self) -> str:
        return f"{self.module}/{self.name}"

    @property
    def source(self) -> Source | None:
        """None where the content is no text."""
        try:
            return Source(self.label, self.language, source_text.decode(self.content))
        except source_text.NotText:
            return None


@dataclass(frozen=True)
class Verdict:
    """Whether a text may become active, and what was found."""

    accepted: bool
    diagnostics: tuple[Diagnostic, ...]

    @property
    def failures(self) -> tuple[Diagnostic, ...]:
        """Warnings of what fails in every run that reaches it; the script is accepted all the same."""
        return tuple(d for d in self.diagnostics if d.certain)

    @property
    def first_error(self) -> Diagnostic:
        return next(d for d in self.diagnostics if d.severity == "error")


def judge(proposals: Sequence[Proposal], world: World | None = None) -> dict[Key, Verdict]:
    """A verdict on each text, beside all the others; a helper must leave those that import it whole."""
    world = world or World()
    changes = helper_changes(proposals)
    found: dict[Key, list[Diagnostic]] = {}
    failed: set[str] = set()
    for proposal in proposals:
        ok, diagnostics = _check(proposal, world, changes)
        found[proposal.key] = list(diagnostics)
        if not ok:
            failed.add(proposal.label)
    sound = {name: change for name, change in changes.items() if name not in failed}
    if sound:
        keys = {proposal.key for proposal in proposals}
        for broken in dependents.broken_by(sound, aside=keys, world=world):
            for name in broken.helpers:
                failed.add(name)
                finding = Diagnostic("error", broken.diagnostic.type, f"would break {broken}")
                found[SHARED, name.split("/")[1]].insert(0, finding)
    return {p.key: Verdict(p.label not in failed, tuple(found[p.key])) for p in proposals}


def _check(
    proposal: Proposal, world: World, changes: Mapping[str, Source | None]
) -> tuple[bool, tuple[Diagnostic, ...]]:
    try:
        source = Source(proposal.label, proposal.language, source_text.decode(proposal.content))
    except source_text.NotText as problem:
        return False, (not_text(problem),)
    report = check_bundle(proposal.module, world.bundle(source, changes))
    return report.ok, tuple(report.diagnostics)


def not_text(problem: source_text.NotText) -> Diagnostic:
    """Build the verdict on bytes that are no source text."""
    return Diagnostic("error", ErrorType.INVALID_SYNTAX, problem.message, problem.line, problem.column)


def helper_changes(proposals: Iterable[Proposal]) -> dict[str, Source | None]:
    """The helpers among the texts, by name; one that is no text counts as gone."""
    return {proposal.label: proposal.source for proposal in proposals if proposal.module == SHARED}


# -- groups ------------------------------------------------------------------------------------------------------------


def groups(proposals: Sequence[Proposal], world: World | None = None) -> list[list[Proposal]]:
    """The texts by what links them: one imports the other, before or after the change, or something active imports both."""
    helpers = helper_changes(proposals)
    if not helpers:
        return [[proposal] for proposal in proposals]
    world = world or World()
    leader = {proposal.label: proposal.label for proposal in proposals}

    def lead(label: str) -> str:
        while leader[label] != label:
            label = leader[label]
        return label

    def link(labels: Iterable[str]) -> None:
        first, *others = labels
        for other in others:
            leader[lead(other)] = lead(first)

    for proposal in proposals:
        source, today = proposal.source, world.today(proposal.key)
        bundles = [bundle for bundle in (today, world.bundle(source, helpers) if source else None) if bundle]
        imported = {helper.name for bundle in bundles for helper in bundle.helpers} & helpers.keys()
        link([proposal.label, *imported])
    for _, before, then in world.touched(helpers, {proposal.key for proposal in proposals}):
        imported = {helper.name for helper in (*before.helpers, *then.helpers)} & helpers.keys()
        link(sorted(imported))
    found: dict[str, list[Proposal]] = {}
    for proposal in proposals:
        found.setdefault(lead(proposal.label), []).append(proposal)
    return list(found.values())


def basis(group: Sequence[Proposal], world: World | None = None) -> str:
    """sha256 (hex) over all that the verdicts on a group rest on: judged again, it comes out the same while this does."""
    world = world or World()
    changes, keys = helper_changes(group), {proposal.key for proposal in group}
    bundles: list[tuple[str, Bundle]] = []
    for proposal in group:
        source = proposal.source or Source(proposal.label, proposal.language, repr(proposal.content))
        bundles.append((proposal.module, world.bundle(source, changes)))
    for version, before, then in world.touched(changes, keys):
        bundles += [(version.script.module, before), (version.script.module, then)]
    return rests_on(bundles)
