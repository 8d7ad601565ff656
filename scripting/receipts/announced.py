"""Was it the announced one: which version and which values were live when an execution began, and whether those decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from scripting.models import Activation, BundleKnobs, KnobSet, ScriptVersion

REACHED = timedelta(seconds=10)
"""How long a change may take to every process at the most, see docs/overrides.md: until then the one before may decide."""


@dataclass(frozen=True)
class Announced:
    """The version that was live at a moment, beside the one that decided."""

    activation: Activation | None
    """The last one before that moment; None: nothing had gone live yet."""
    before: Activation | None
    """The one that it followed."""
    verdict: str
    """`announced`, `late` (the one before, just replaced), `stand_in`, `other`, `built_in` or `unknown`."""
    words: str

    @property
    def is_announced(self) -> bool:
        return self.verdict in ("announced", "late")


def knobs_of(bundle: str, script: int) -> KnobSet | None:
    """The values of the script's own knobs that a bundle was compiled with."""
    return next(iter(sets_of(bundle, script)), None)


def sets_of(bundle: str, script: int) -> list[KnobSet]:
    """The sets of values of the script's own knobs that a bundle is compiled with; several may hold the same there."""
    kept = BundleKnobs.objects.filter(bundle_digest=bundle, knobs__script=script).select_related("knobs__script")
    return [each.knobs for each in kept.order_by("-knobs__number")]


def announced(script: int, at: datetime, version: ScriptVersion | None, bundle: str, role: str) -> Announced:
    """Compare what decided an execution that began at a moment with what was live then."""
    earlier = Activation.objects.filter(script=script, created_at__lte=at).select_related("version__script", "knobs")
    activations = list(earlier.order_by("-created_at", "-id")[:2])
    live = activations[0] if activations else None
    before = activations[1] if len(activations) > 1 else None
    sets = sets_of(bundle, script) if bundle else []
    knobs = next((each for each in sets if live is not None and each == live.knobs), sets[0] if sets else None)

    def told(verdict: str, words: str) -> Announced:
        return Announced(live, before, verdict, words)

    if version is None:
        if role == "built_in":
            return told("built_in", f"the module's built-in rule decided; {_live(live)}")
        return told("unknown", f"no version decided; {_live(live)}")
    decided = f"v{version.number}{f' with knobs {knobs.number}' if knobs else ''}"
    if live is not None and _same(live, version, sets):
        return told("announced", f"{decided} decided, and it was the announced one")
    if before is not None and live is not None and _same(before, version, sets) and at - live.created_at <= REACHED:
        return told("late", f"{decided} decided, which was live until a moment before: {_live(live)}")
    if role == "fallback":
        return told("stand_in", f"{decided} stood in; {_live(live)}, and failed or was withheld")
    return told("other", f"{decided} decided, but {_live(live)}")


def _same(activation: Activation, version: ScriptVersion, sets: list[KnobSet]) -> bool:
    then = activation.knobs
    known = (
        then in sets if sets else then is None or not then.values
    )  # what holds elsewhere alone is not in this bundle
    return activation.version_id == version.pk and known


def _live(activation: Activation | None) -> str:
    if activation is None:
        return "nothing had gone live yet"
    if activation.version is None:
        return "no version was live"
    knobs = f" with knobs {activation.knobs.number}" if activation.knobs else ""
    return f"v{activation.version.number}{knobs} was the announced one"
