"""Making a text the one that runs, from the browser: publish, roll back, revert to the default. Asks the registry."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from scripting.conf import conf
from scripting.evidence.gate import with_evidence
from scripting.models import Activation, Script, ScriptVersion
from scripting.registry import publishing
from scripting.registry.gate import OVERRIDE, GateClosed, OverrideForbidden
from scripting.registry.moves import AlreadyActive, AnyBase, AtGate, PublishRefused, StaleBase, WillFail
from scripting.supervisor.errors import SandboxUnavailable
from scripting.texts.escaping import visible
from scripting.types import Diagnostic
from scripting.workbench.access import Refusal

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SWITCHED_OFF = (
    "Publishing from the browser is switched off for this site (SCRIPTING_BROWSER_PUBLISH). "
    "Drafts, trials and rollback to versions that were live still work; manage.py publish_script publishes."
)
MAX_REASON = 2000


def publish(
    script: Script,
    user: User,
    source: str,
    language: str,
    reason: str,
    base: ScriptVersion | None,
    *,
    confirmed: bool,
    override: str = "",
) -> Activation:
    """Check, store and activate; a text that will certainly fail only if that is confirmed.

    Where the gate asks for evidence, it is made first. `override` says why it is to pass a closed gate.
    Raises Refusal: switched_off, reason, unchanged, check_failed, will_fail, stale_base, gate_closed, forbidden, refused.
    """
    if not conf.SCRIPTING_BROWSER_PUBLISH:
        raise Refusal(403, "switched_off", SWITCHED_OFF)
    require_reason(reason)
    # Of a stale text nothing is kept: the merge of it will be published instead.
    how: dict[str, Any] = {"keep_stale": False, "confirmed": confirmed, "at_gate": at_gate(user, override)}
    try:
        return with_evidence(
            lambda: publishing.publish(script, language, source, actor=user, reason=reason, base=base, **how),
            user=user.get_username(),
        )
    except StaleBase:
        script.refresh_from_db()
        raise stale(script, base, source) from None
    except WillFail as failing:
        found = [described(diagnostic) for diagnostic in failing.diagnostics]
        raise Refusal(409, "will_fail", in_words(failing), diagnostics=found) from None
    except PublishRefused as refused:
        raise of_refused(refused) from None
    except SandboxUnavailable as error:
        raise Refusal(503, "unavailable", f"The text could not be checked or replayed: {error}") from None


def rollback(
    script: Script,
    user: User,
    number: int,
    reason: str,
    *,
    base: ScriptVersion | type[AnyBase] | None = AnyBase,
    override: str = "",
) -> Activation:
    """Re-activate an old version over `base`, which the person saw live. Raises Refusal: stale_base names what is live in its place."""
    require_reason(reason)
    version = version_numbered(script, number)
    if not conf.SCRIPTING_BROWSER_PUBLISH and not script.activations.filter(version=version).exists():
        raise Refusal(403, "switched_off", f"v{number} was never live. {SWITCHED_OFF}")
    passing = at_gate(user, override)
    try:
        return with_evidence(
            lambda: publishing.rollback(script, number, actor=user, reason=reason, base=base, at_gate=passing),
            user=user.get_username(),
        )
    except StaleBase:
        script.refresh_from_db()
        raise overtaken(script) from None
    except PublishRefused as refused:
        raise of_refused(refused) from None
    except SandboxUnavailable as error:
        raise Refusal(503, "unavailable", f"The version could not be checked: {error}") from None


def version_numbered(script: Script, number: Any) -> ScriptVersion:
    """Raises Refusal."""
    found = None
    if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 2**31:
        found = script.versions.filter(number=number).select_related("author").first()
    if found is None:
        raise Refusal(404, "not_found", f"{script} has no version {number}.")
    return found


def require_reason(reason: str) -> None:
    if not reason.strip():
        raise Refusal(422, "reason", "Say why: the reason is shown beside the version for good.")
    if len(reason) > MAX_REASON:
        raise Refusal(422, "reason", f"A reason has at most {MAX_REASON} characters.")


def at_gate(user: User, override: str) -> AtGate:
    """Raises Refusal where somebody would pass a closed gate who may not."""
    if override and not user.has_perm(OVERRIDE):
        raise Refusal(403, "forbidden", str(OverrideForbidden()))
    if len(override) > MAX_REASON:
        raise Refusal(422, "reason", f"A reason has at most {MAX_REASON} characters.")
    return AtGate(override, wants_advice=True)


def stale(script: Script, base: ScriptVersion | None, mine: str) -> Refusal:
    """Another version became active since the text was begun."""
    active = script.active_version
    activation = script.latest_activation()
    return Refusal(
        409,
        "stale_base",
        f"{script}: v{active.number if active else '–'} became live while you were writing. Merge with it, then publish.",
        theirs={
            "source": active.text if active else "",
            "language": active.language if active else "",
            "number": active.number if active else None,
            "actor": str(activation.actor or "") if activation else "",
            "reason": activation.reason if activation else "",
        },
        base_source=base.text if base else "",
        mine=mine,
    )


def overtaken(script: Script) -> Refusal:
    """Another version became active since somebody was asked whether to roll back."""
    active, activation = script.active_version, script.latest_activation()
    by = f", by {activation.actor}" if activation and activation.actor else ""
    why = f": {activation.reason.strip().rstrip('.')}" if activation and activation.reason.strip() else ""
    words = visible(
        f"v{active.number if active else '–'} became live since you opened this{by}{why}. Go ahead again to replace it."
    )
    return Refusal(409, "stale_base", words, live=active.number if active else None)


def in_words(failing: WillFail) -> str:
    """Say in one text what will fail."""
    lines = [f"line {d.line}: {d.message}" if d.line else d.message for d in failing.diagnostics]
    return visible(f"This will fail, so it is not published: {'; '.join(lines[:5])}")


def of_refused(refused: PublishRefused) -> Refusal:
    if refused.diagnostics:
        found = [described(diagnostic) for diagnostic in refused.diagnostics]
        number = refused.version.number if refused.version else None
        return Refusal(422, "check_failed", visible(str(refused)), diagnostics=found, version=number)
    if isinstance(refused, OverrideForbidden):
        return Refusal(403, "forbidden", str(refused))
    match refused:
        case AlreadyActive():
            code = "unchanged"
        case GateClosed():
            code = "gate_closed"
        case _:
            code = "refused"
    may_ask = {"may_ask": True} if isinstance(refused, GateClosed) and refused.unapproved else {}
    return Refusal(422, code, visible(str(refused)), **may_ask)


def described(diagnostic: Diagnostic) -> dict[str, Any]:
    """A finding for the page; what a sandbox wrote is made fit to show."""
    plain = asdict(diagnostic)
    plain["type"] = diagnostic.type.value
    plain["message"], plain["hint"] = visible(diagnostic.message), visible(diagnostic.hint)
    return plain
