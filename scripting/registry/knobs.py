"""Values of a script's knobs: check, store and activate them, by the same way as its texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max

from scripting.models import SEGMENTS, Activation, KnobSet, Script, ScriptVersion
from scripting.modules import segments as segments_of_modules
from scripting.registry.activating import activate_together, require_knobs
from scripting.registry.bundles import Values, active_values, bundle_for, values_digest
from scripting.registry.checking import check_bundle
from scripting.registry.dependents import World
from scripting.registry.moves import PLAIN, AnyBase, AtGate, Move, PublishRefused, StaleBase, say_why
from scripting.storage import numbers
from scripting.supervisor.pool import CheckReport
from scripting.texts.escaping import visible
from scripting.types import Knob, Source, canonical

if TYPE_CHECKING:
    from django.contrib.auth.models import User


LARGEST, LONGEST = 10**15, 200
MOST_SEGMENTS = 20
"""Segments and keys with values of their own."""


class ValuesRefused(PublishRefused):
    """Values that do not fit the knobs of the active text. `problems` says of each, by name, why."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(f"{visible(name)} {problem}" for name, problem in self.problems.items()))


def knobs_of(script: Script, values: Values | None = None) -> tuple[Knob, ...]:
    """The knobs of the active text, with these values (None: the active ones). Raises SupervisorError, PublishRefused."""
    return _check(script, active_version_of(script), active_values(str(script)) if values is None else values).knobs


def settle_beside(text: Source, values: Values, instead: Mapping[str, Source | None]) -> dict[str, Any]:
    """The values as a set keeps them, of a text that is not live yet, beside these helpers in the place of the active ones.

    Raises ValuesRefused, PublishRefused where the text does not pass its check.
    """
    if SEGMENTS in values:
        raise ValuesRefused({"": "values for some events alone are set on the page of the knobs"})
    _require_plain(values)
    bundle = World().with_knobs({text.name: values}).bundle(text, instead)
    report = check_bundle(text.name.partition("/")[0], bundle)
    if not report.ok:
        raise PublishRefused(f"{text.name} does not pass its check with these values", None, report.diagnostics)
    found = _fitting_of(report, values)
    return {name: found[name].value for name in sorted(values) if found[name].value != found[name].default}


def settle(script: Script, values: Values) -> dict[str, Any]:
    """The values as a set keeps them: each as its knob has it, and none that is the default.

    Raises ValuesRefused where one does not fit the active text, PublishRefused where that itself does not pass its check.
    """
    base = {name: value for name, value in values.items() if name != SEGMENTS}
    found = _fitting(script, base)
    settled: dict[str, Any] = {name: knob.value for name, knob in found.items() if name in base and knob.value != knob.default}  # fmt: skip
    everywhere = {name: knob.value for name, knob in found.items()}
    segments = _settle_segments(script, values.get(SEGMENTS, ()), settled, everywhere)
    return dict(sorted(settled.items())) | ({SEGMENTS: segments} if segments else {})


def _settle_segments(
    script: Script, segments: Sequence[tuple[str, Values]], base: Values, everywhere: Values
) -> list[list[Any]]:
    """Those for some events alone, without what holds there anyway."""
    if not _are_segments(segments):
        raise ValuesRefused({SEGMENTS: 'is a list of a selector and an object of values each: [["key 5", {…}]]'})
    if len(segments) > MOST_SEGMENTS:
        raise ValuesRefused({"": f"there may be {MOST_SEGMENTS} segments and keys with values of their own"})
    settled: list[list[Any]] = []
    for selector, own in segments:
        if any(selector == other for other, _ in settled):
            raise ValuesRefused({selector: "has values of its own already: one of the two would never count"})
        if problem := segments_of_modules.problem_of(script.module, selector):
            raise ValuesRefused({selector: problem})
        try:
            found = _fitting(script, {**base, **own})
        except ValuesRefused as refused:
            raise ValuesRefused({f"{selector}: {name}": why for name, why in refused.problems.items()}) from None
        kept = {name: found[name].value for name in sorted(own) if found[name].value != everywhere[name]}
        settled.append([selector, kept])
    return settled


def _are_segments(segments: object) -> bool:
    return isinstance(segments, (list, tuple)) and all(
        isinstance(each, (list, tuple)) and len(each) == 2 and isinstance(each[0], str) and isinstance(each[1], Mapping)
        for each in segments
    )


def _fitting(script: Script, values: Values) -> dict[str, Knob]:
    """The knobs with these values. Raises ValuesRefused where one does not fit, PublishRefused."""
    _require_plain(values)
    return _fitting_of(_check(script, active_version_of(script), values), values)


def _require_plain(values: Values) -> None:
    """Raises ValuesRefused."""
    problems = {
        visible(name)[:64]: "is not a value that a knob can have"
        for name in values
        if not _is_plain(name, values[name])
    }
    if problems:
        raise ValuesRefused(problems)


def _fitting_of(report: CheckReport, values: Values) -> dict[str, Knob]:
    found = {knob.name: knob for knob in report.knobs}
    problems = dict.fromkeys(sorted(values.keys() - found.keys()), "is no knob of this script")
    problems |= {knob.name: knob.problem for knob in report.knobs if knob.problem and knob.name in values}
    if problems:
        raise ValuesRefused(problems)
    return found


def with_segment(values: Values, selector: str, own: Values | None) -> dict[str, Any]:
    """The values with these for one segment or key, before those of others where it is new; None takes them away."""
    segments = [[name, each] for name, each in values.get(SEGMENTS, ()) if name != selector]
    if own is not None:
        place = next((at for at, (name, _) in enumerate(values.get(SEGMENTS, ())) if name == selector), 0)
        segments.insert(place, [selector, dict(own)])
    return {**values, SEGMENTS: segments}


def made_from(script: Script, digest: str) -> KnobSet | None:
    """The set that is live, which values were made from. Raises StaleBase where its digest is another."""
    live = script.active_knobs
    if (live.digest if live else "") != digest:
        found = script.knob_sets.filter(sha256=digest).first() if digest else None
        require_knobs(script, found)
    return live


def publish(
    script: Script,
    values: Values,
    *,
    actor: User | None,
    reason: str,
    base: KnobSet | type[AnyBase] | None = AnyBase,
    at_gate: AtGate = PLAIN,
) -> Activation:
    """Check, store and activate values of knobs; what is not named has its default.

    Raises ValuesRefused, StaleBase (`base` is the set that the actor believed active), AlreadyActive, GateClosed, PublishRefused.
    """
    say_why(reason)
    version = active_version_of(script)
    return _activate(
        script,
        version,
        keep(script, settle(script, values), author=actor, message=reason),
        Activation.Cause.PUBLISH,
        actor,
        reason,
        base,
        at_gate,
    )


def rollback(
    script: Script,
    number: int,
    *,
    actor: User | None,
    reason: str,
    base: KnobSet | type[AnyBase] | None = AnyBase,
    at_gate: AtGate = PLAIN,
) -> Activation:
    """Activate an old set of values again, without a copy; 0 are the defaults of the text. Raises as `publish` does."""
    say_why(reason)
    version = active_version_of(script)
    chosen = None
    if number:
        chosen = script.knob_sets.filter(number=number).first()
        if chosen is None:
            raise PublishRefused(f"{script} has no knobs {number}")
        settle(script, chosen.all_values)
    return _activate(script, version, chosen, Activation.Cause.ROLLBACK, actor, reason, base, at_gate)


def make_live(
    script: Script, knobs: KnobSet | None, cause: str, *, actor: User | None, reason: str, base: KnobSet | None
) -> Activation:
    """Activate a stored set (None: the defaults) over `base`; values that do not fit take their defaults.

    Raises StaleBase, AlreadyActive, GateClosed, PublishRefused.
    """
    return _activate(script, active_version_of(script), knobs, cause, actor, reason, base, PLAIN)


def keep(script: Script, values: Values, *, author: User | None, message: str, at_least: int = 1) -> KnobSet:
    """The set that holds these settled values; equal ones reuse theirs, a new one has a number of `at_least`. Never activates."""
    with transaction.atomic():
        locked = Script.objects.select_for_update().get(pk=script.pk)
        sha256 = values_digest(values)
        found = locked.knob_sets.filter(sha256=sha256).first()
        if found is not None:
            return found
        last = locked.knob_sets.aggregate(last=Max("number"))["last"] or 0
        return KnobSet.objects.create(
            script=locked,
            number=numbers.next_number(numbers.KNOBS, str(locked), last, at_least),
            content=canonical(values),
            sha256=sha256,
            author=author,
            message=visible(message),
        )


def _activate(
    script: Script,
    version: ScriptVersion,
    knobs: KnobSet | None,
    cause: str,
    actor: User | None,
    reason: str,
    base: KnobSet | type[AnyBase] | None,
    at_gate: AtGate,
) -> Activation:
    move = Move(script, version, cause, version, actor, reason, knobs=knobs, knobs_base=base, at_gate=at_gate)
    try:
        return activate_together([move], judge=False)[0]
    except StaleBase:
        script.refresh_from_db()
        if script.active_version_id != version.pk:
            raise StaleBase(
                f"the text of {script} was changed meanwhile; look at its knobs, then set them", version
            ) from None
        raise


def _is_plain(name: object, value: object) -> bool:
    """Whether a value can be sent to a sandbox at all; what fits the knob, that decides."""
    match value:
        case bool():
            fits = True
        case int() | float():
            fits = abs(value) <= LARGEST  # no number that is none
        case str():
            fits = len(value) <= LONGEST and value.isprintable()
        case _:
            fits = False
    return fits and isinstance(name, str) and 0 < len(name) <= LONGEST and name.isprintable()


def active_version_of(script: Script) -> ScriptVersion:
    if script.active_version is None:
        raise PublishRefused(f"no version of {script} is live, so it has no knobs to set")
    return script.active_version


def _check(script: Script, version: ScriptVersion, values: Values) -> CheckReport:
    source = Source(str(script), version.language, version.text)
    report = check_bundle(script.module, bundle_for(source, values))
    if not report.ok:
        first = next(d for d in report.diagnostics if d.severity == "error")
        raise PublishRefused(f"{version} does not pass its check: {first.message}", version, report.diagnostics)
    return report
