"""Policies of the gate: which one counts for a script, and how one is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import router, transaction

from scripting.models import SHARED, GatePolicy, Script
from scripting.modules.installed import modules
from scripting.registry.lifecycle import LONGEST_REASON, ChangeRefused
from scripting.storage.compiled_query import Prepared
from scripting.texts.escaping import visible

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

Mode = GatePolicy.Mode
Approval = GatePolicy.Approval


@dataclass(frozen=True)
class Policies:
    """Every policy, read once."""

    by_scope: dict[tuple[str, str], GatePolicy]

    @staticmethod
    def read() -> Policies:
        if not _any.rows(router.db_for_read(GatePolicy)):
            return Policies({})
        return Policies({(policy.module, policy.name): policy for policy in GatePolicy.objects.all()})

    @property
    def any_at_work(self) -> bool:
        """Whether the gate asks anything of any script."""
        return any(
            policy.mode in (Mode.ADVISE, Mode.REQUIRE) or asks_approval(policy) for policy in self.by_scope.values()
        )

    def of(self, script: Script) -> GatePolicy:
        """The narrowest that does not follow a wider one; without any the gate is off."""
        for scope in ((script.module, script.name), (script.module, ""), ("", "")):
            policy = self.by_scope.get(scope)
            if policy is not None and policy.mode != Mode.FOLLOW:
                return policy
        return GatePolicy(mode=Mode.OFF)


_any = Prepared(lambda: GatePolicy.objects.order_by().values_list("pk")[:1])


def asks_approval(policy: GatePolicy) -> bool:
    """Whether a change may take somebody else's approval; who follows a wider policy follows it in this too."""
    return policy.mode != Mode.FOLLOW and policy.approval != Approval.NONE


def set_policy(module: str, name: str, *, actor: AbstractBaseUser | None, reason: str, **fields: Any) -> GatePolicy:
    """Make the policy of the site (two empty names), a module or a script, or change it. Raises ChangeRefused.

    The history keeps who did it and why.
    """
    if not reason.strip():
        raise ChangeRefused("say why: the reason is shown in the history for good")
    if len(visible(reason)) > LONGEST_REASON:
        raise ChangeRefused(f"the reason has {len(visible(reason))} characters: {LONGEST_REASON} at the most")
    with transaction.atomic():
        policy = GatePolicy.objects.select_for_update().filter(module=module, name=name).first()
        if policy is None:  # one of a module that went may still be changed
            if problem := _of_nothing(module, name):
                raise ChangeRefused(problem)
            policy = GatePolicy(module=module, name=name)
        for field, value in fields.items():
            setattr(policy, field, value)
        try:
            policy.full_clean(validate_unique=False, validate_constraints=False)
        except ValidationError as wrong:
            raise ChangeRefused("; ".join(f"{field}: {' '.join(said)}" for field, said in wrong.message_dict.items())) from None  # fmt: skip
        policy._history_user = actor
        policy._change_reason = visible(reason)
        policy.save()
    return policy


def _of_nothing(module: str, name: str) -> str:
    """Why there can be no such policy; empty where there can."""
    if module == SHARED:
        return "helpers pass the gate of the scripts that import them: set the policy of those"
    if module and modules.get(module) is None:
        return f"there is no module {visible(module)} (modules: {', '.join(m.name for m in modules) or 'none'})"
    if name and not Script.objects.named(module, name).exists():
        return f"there is no script {visible(module)}/{visible(name)}"
    return ""
