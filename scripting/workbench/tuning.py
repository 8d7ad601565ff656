"""Knobs in the browser: what each is set to, by whom and why; draft values replayed, published, rolled back. Asks the layers below."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import redis
from django.utils import timezone

from scripting.conf import conf
from scripting.evidence import curve_jobs
from scripting.evidence.corpus import LAST, Selection, resolve
from scripting.evidence.gate import weigh, with_evidence
from scripting.evidence.kept import report_of
from scripting.evidence.replays import candidate_of
from scripting.models import SEGMENTS, Activation, KnobSchedule, KnobSet, ReplayReport, Script
from scripting.modules.installed import modules
from scripting.modules.scriptable import ScriptableModule
from scripting.modules.segments import KEY
from scripting.registry import knobs as registry_knobs
from scripting.registry import schedules
from scripting.registry.bundles import Values
from scripting.registry.gate import Candidate, GateClosed, changes_of, judge
from scripting.registry.gate_policies import Policies
from scripting.registry.knobs import ValuesRefused
from scripting.registry.moves import AtGate, PublishRefused, StaleBase
from scripting.registry.resolved import ScriptNotFound
from scripting.supervisor.errors import SupervisorError
from scripting.texts.escaping import visible
from scripting.types import Knob, KnobValue
from scripting.workbench.access import Refusal
from scripting.workbench.curve_shapes import Shape, shapes_of
from scripting.workbench.publishing import SWITCHED_OFF, of_refused, require_reason
from scripting.workbench.replays import BY_ITSELF_SECONDS

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LOOKED_BACK = 200
"""Activations that tell who set a knob last."""
MOST_VALUES = 64
ASKS = AtGate(wants_advice=True)


@dataclass(frozen=True)
class Setting:
    """A knob with the value that is live, and who set it."""

    knob: Knob
    set_by: Activation | None
    """None while it never had another value than its default."""

    @property
    def is_default(self) -> bool:
        return self.knob.value == self.knob.default

    def described(self) -> dict[str, Any]:
        """For the page's script. Numbers as text, as a field has them: a browser's `1` and `1.0` are the same."""
        knob = self.knob
        return {
            "name": knob.name,
            "kind": knob.kind,
            "default": knob.default,
            "live": knob.value,
            "low": knob.low,
            "high": knob.high,
            "step": knob.step or (1 if knob.kind == "whole" else None),
        }


def settings_of(script: Script) -> list[Setting]:
    """The knobs of the live text, in its order. Raises Refusal."""
    try:
        knobs = registry_knobs.knobs_of(script)
    except PublishRefused as refused:
        raise of_refused(refused) from None
    except SupervisorError as error:
        raise unavailable(error) from None
    history = list(
        script.activations.select_related("actor", "knobs").defer("knobs__message").order_by("-id")[:LOOKED_BACK]
    )
    return [Setting(knob, _setter(knob, history)) for knob in knobs]


def _setter(knob: Knob, history: list[Activation]) -> Activation | None:
    """The activation that gave the knob the value it has."""
    found = None
    for activation in history:  # the newest first
        values = activation.knobs.values if activation.knobs else {}
        if values.get(knob.name, knob.default) != knob.value:
            return found
        found = activation
    return None if knob.value == knob.default else found


def replay(script: Script, values: Values, user: str) -> ReplayReport | None:
    """The report on what these values would have made of the last recorded events; None where nothing was recorded. Raises Refusal."""
    settled = settled_values(script, values)
    version = script.active_version
    assert version is not None
    corpus = resolve(script, Selection(last=LAST))
    if not corpus.ids:
        return None
    try:
        candidate = candidate_of(script, version.text, version.language, settled)
        return report_of(corpus, candidate, title=f"knobs of {user}", user=user, seconds=BY_ITSELF_SECONDS)
    except ScriptNotFound:
        return None
    except SupervisorError as error:
        raise unavailable(error) from None


def settled_values(script: Script, values: Values) -> dict[str, Any]:
    """The values as a set keeps them. Raises Refusal, with what is wrong with each."""
    try:
        return registry_knobs.settle(script, values)
    except PublishRefused as refused:
        raise refusal_of(refused) from None
    except SupervisorError as error:
        raise unavailable(error) from None


def publish(script: Script, user: User, values: Values, reason: str, base: int | None) -> Activation:
    """Make the values live. Raises Refusal: switched_off, reason, values, stale_base, unchanged, gate_closed, refused."""
    if not conf.SCRIPTING_BROWSER_PUBLISH:
        raise Refusal(403, "switched_off", SWITCHED_OFF)
    require_reason(reason)
    try:
        how: dict[str, Any] = {"actor": user, "reason": reason, "base": _base(script, base), "at_gate": ASKS}
        return with_evidence(lambda: registry_knobs.publish(script, values, **how), user=user.get_username())
    except PublishRefused as refused:
        raise refusal_of(refused) from None
    except SupervisorError as error:
        raise unavailable(error) from None


def rollback(script: Script, user: User, number: int, reason: str, base: int | None) -> Activation:
    """Make an old set live again over the one of number `base`; 0 are the defaults. Raises Refusal."""
    require_reason(reason)
    try:
        how: dict[str, Any] = {"actor": user, "reason": reason, "base": _base(script, base), "at_gate": ASKS}
        return with_evidence(lambda: registry_knobs.rollback(script, number, **how), user=user.get_username())
    except PublishRefused as refused:
        raise refusal_of(refused) from None
    except SupervisorError as error:
        raise unavailable(error) from None


def plan(
    script: Script, user: User, values: Values, reason: str, begins: datetime | None, ends: datetime
) -> KnobSchedule:
    """Have the values live for a time. Raises Refusal: switched_off, reason, values, refused."""
    if not conf.SCRIPTING_BROWSER_PUBLISH:
        raise Refusal(403, "switched_off", SWITCHED_OFF)
    require_reason(reason)
    try:
        _ask_gate(script, values, user)
        return schedules.plan(script, values, begins, ends, actor=user, reason=reason)
    except PublishRefused as refused:
        raise refusal_of(refused) from None
    except SupervisorError as error:
        raise unavailable(error) from None


def cancel(script: Script, user: User, schedule_id: int, reason: str) -> KnobSchedule:
    """Let a time not begin, or end it now. Raises Refusal."""
    require_reason(reason)
    schedule = script.knob_schedules.filter(pk=schedule_id).first()
    if schedule is None:
        raise Refusal(404, "not_found", f"{script} has no such time.")
    try:
        return schedules.cancel(schedule, actor=user, reason=reason)
    except PublishRefused as refused:
        raise refusal_of(refused) from None
    except SupervisorError as error:
        raise unavailable(error) from None


def moment_in(document: Mapping[str, Any], name: str) -> datetime | None:
    """A moment on the site's clock, as a field of the page has it; None where it is empty. Raises Refusal."""
    text = document.get(name) or ""
    try:
        found = datetime.fromisoformat(text) if text else None
    except (TypeError, ValueError):
        raise Refusal(422, "time", f"{name} is no date and time") from None
    if found is not None and found.tzinfo is None:
        found = timezone.make_aware(found)
    return found


def _ask_gate(script: Script, values: Values, user: User) -> None:
    """Make the evidence that values will need when they begin, as far as it can be known now. Raises GateClosed, PublishRefused."""
    version = script.active_version
    if version is None or not Policies.read().any_at_work:
        return
    settled, title = registry_knobs.settle(script, values), f"v{version.number} with values for a time"
    candidate = replace(Candidate.of_version(version), title=title, values=settled)
    changes = changes_of([candidate])
    weigh(changes, user=user.get_username())
    if closed := [each for each in judge(changes) if each.is_closed]:
        raise GateClosed(closed, [version])


def _base(script: Script, number: int | None) -> KnobSet | None:
    """The set that the page shows as live."""
    if number is None:
        return None
    found = script.knob_sets.filter(number=number).first()
    if found is None:
        raise Refusal(404, "not_found", f"{script} has no knobs {number}.")
    return found


def refusal_of(refused: PublishRefused) -> Refusal:
    if isinstance(refused, StaleBase):
        return Refusal(409, "stale_base", visible(f"{refused}."))
    if isinstance(refused, ValuesRefused):
        problems = {name: visible(problem) for name, problem in refused.problems.items()}
        return Refusal(422, "values", visible(str(refused)), problems=problems)
    return of_refused(refused)


def unavailable(error: SupervisorError) -> Refusal:
    return Refusal(503, "unavailable", f"The values could not be checked: {error}")


def values_in(document: Mapping[str, Any]) -> dict[str, KnobValue]:
    """The values of a request. Raises Refusal for what is none; whether they fit, the sandbox that checks them says."""
    found = document.get("values")
    if not isinstance(found, dict) or len(found) > MOST_VALUES:
        raise Refusal(400, "wrong_type", "values must be an object: a value for each knob")
    for name, value in found.items():
        if not isinstance(value, (bool, int, float, str)) or (isinstance(value, float) and not math.isfinite(value)):
            raise Refusal(
                422, "values", f"{visible(name)[:64]} has no value", problems={visible(name)[:64]: "has no value"}
            )
    return found


def asked_values(script: Script, document: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a request with those of segments and keys that are live beside them.

    With `only`, a selector, the request's values are for that one alone, and what holds everywhere stays. Raises Refusal.
    """
    values, only = values_in(document), document.get("only") or ""
    live = script.active_knobs.all_values if script.active_knobs else {}
    if not isinstance(only, str):
        raise Refusal(400, "wrong_type", "only is a text such as `key 5`")
    if only:
        return registry_knobs.with_segment(live, only, values)
    return {**values, SEGMENTS: live.get(SEGMENTS, [])}


def without(script: Script, user: User, only: str, reason: str) -> Activation:
    """Take the values away that a segment or key has alone. Raises Refusal."""
    knobs = script.active_knobs
    live = knobs.all_values if knobs else {}
    if knobs is None or only not in dict(knobs.segments):
        raise Refusal(404, "not_found", f"{visible(only)[:140]} has no values of its own.")
    return publish(script, user, registry_knobs.with_segment(live, only, None), reason, knobs.number)


@dataclass(frozen=True)
class Own:
    """Values that hold for one segment or key alone."""

    selector: str
    words: str
    values: Mapping[str, KnobValue]


def own_values(script: Script) -> list[Own]:
    """Those that are live, in the order in which they count."""
    segments = script.active_knobs.segments if script.active_knobs else []
    return [Own(selector, in_words(script.module, selector), values) for selector, values in segments]


def in_words(module: str, selector: str) -> str:
    """`match 5` or `league gold`."""
    kind, _, name = selector.partition(" ")
    found = modules.get(module) or ScriptableModule
    return f"{found.key_name if kind == KEY else found.segment_name} {name}"


@dataclass(frozen=True)
class Curves:
    """The curves and sentence under the knobs."""

    shapes: Mapping[str, tuple[Shape, ...]]
    events: Mapping[str, int]
    waiting: bool
    problem: str


def curves(script: Script) -> Curves:
    """The curves that there are; asks for those that are missing. Raises Refusal."""
    settings = {setting.knob.name: setting.knob for setting in settings_of(script)}
    try:
        fresh = curve_jobs.fresh(script)
        missing = [knob.name for knob in curve_jobs.drawable(tuple(settings.values())) if knob.name not in fresh]
        problem = fresh[""].document["problem"] if "" in fresh else ""
        served = curve_jobs.ask_for(script) if missing and not problem else True
    except ScriptNotFound:
        return Curves({}, {}, waiting=False, problem="No version of this script is live.")
    except redis.RedisError:
        return Curves({}, {}, waiting=False, problem="Redis does not answer, so no curves are drawn.")
    if not served:
        problem = "No evidence worker runs, so no curves are drawn: run_worker --evidence starts one."
    found = {name: fresh[name].document for name in settings if name in fresh}
    return Curves(
        {name: shapes_of(document, settings[name]) for name, document in found.items()},
        {name: document["events"] for name, document in found.items()},
        waiting=bool(missing) and not problem,
        problem=problem,
    )
