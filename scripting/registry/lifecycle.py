"""Create, disable, enable, pin, limit, retire or bring back a script; record who did it and why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction

from scripting import clock
from scripting.models import SHARED, Breaker, Script
from scripting.models.script import NAME_PATTERN
from scripting.modules.installed import modules
from scripting.registry import dependents
from scripting.sandbox.languages.table import LANGUAGES
from scripting.subscriptions.subscribed import table
from scripting.texts.escaping import visible

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


LONGEST_REASON = 80
"""Characters: with what was done before it, the history has room for no more."""


class ChangeRefused(Exception):
    """The change would leave something broken or is none: the message says what to do."""


def create(module: str, name: str, *, actor: AbstractBaseUser | None, reason: str, language: str = "") -> Script:
    """A script without a version yet: it runs once a text is published. Raises ChangeRefused."""
    if module != SHARED and modules.get(module) is None:
        known = ", ".join(m.name for m in modules) or "none"
        raise ChangeRefused(f"there is no module {visible(module)} (modules: {known}; {SHARED} holds helpers)")
    if not re.match(NAME_PATTERN, name):
        raise ChangeRefused(
            f"{visible(name)!r} cannot be a script's name: use a–z, 0–9 and _, a letter first, at most 64 characters"
        )
    if language and language not in LANGUAGES:
        raise ChangeRefused(f"there is no language {visible(language)} (known: {', '.join(LANGUAGES)})")
    script = Script(module=module, name=name, language=language)
    try:
        with transaction.atomic():
            _save(script, actor, f"created: {_said(reason)}")
    except IntegrityError:
        raise ChangeRefused(f"{script} exists already") from None
    return script


def disable(script: Script, *, actor: AbstractBaseUser | None, reason: str) -> None:
    """Its events end skipped, and the built-in rule runs. Raises ChangeRefused."""
    _change(script, actor, f"disabled: {_said(reason)}", unless_needed="disabled", enabled=False)


def enable(script: Script, *, actor: AbstractBaseUser | None, reason: str) -> None:
    """Its active version runs again."""
    _change(script, actor, f"enabled: {_said(reason)}", enabled=True)


def pin(script: Script, *, actor: AbstractBaseUser | None, reason: str) -> None:
    """The active version stays when a new default ships."""
    _change(script, actor, f"pinned: {_said(reason)}", pinned=True)


def unpin(script: Script, *, actor: AbstractBaseUser | None, reason: str) -> None:
    """A new default is taken again. One that was passed over meanwhile is not: publish it."""
    _change(script, actor, f"unpinned: {_said(reason)}", pinned=False)


def retire(script: Script, *, actor: AbstractBaseUser | None, reason: str) -> None:
    """It is not found any longer, and its files are not taken; its versions and executions stay. Raises ChangeRefused."""
    if heard := table.chosen_topics_of(script.module, script.name):
        raise ChangeRefused(f"{script} is subscribed to {', '.join(heard)}: take it away there first")
    _change(script, actor, f"retired: {_said(reason)}", unless_needed="retired", retired_at=clock.now())


def bring_back(script: Script, *, actor: AbstractBaseUser | None, reason: str) -> None:
    """A retired script runs again, on the version that was active."""
    _change(script, actor, f"brought back: {_said(reason)}", retired_at=None)


def limit(script: Script, *, actor: AbstractBaseUser | None, reason: str, **limits: Any) -> None:
    """Change its limits, and close its active version's breaker: it may do well within the new ones."""
    with transaction.atomic():
        _change(script, actor, f"limits changed: {_said(reason)}", **limits)
        if script.active_version_id is not None:
            Breaker.forgive([script.active_version_id])


def _refuse_if_needed(script: Script, what: str) -> None:
    """A helper that scripts import cannot go: they would not run."""
    if script.module != SHARED:
        return
    broken = dependents.broken_by({str(script): None})
    if broken:
        names = ", ".join(item.script for item in broken)
        raise ChangeRefused(f"{script} cannot be {what} while it is imported by {names}: change these first")


def _change(
    script: Script, actor: AbstractBaseUser | None, reason: str, *, unless_needed: str = "", **fields: Any
) -> None:
    """Set the fields; what it would be called then names a change that takes a helper away."""
    if unless_needed:
        _refuse_if_needed(script, unless_needed)
    with transaction.atomic():
        if unless_needed and dependents.hold(script, None):
            _refuse_if_needed(script, unless_needed)
        locked = Script.objects.select_for_update().get(pk=script.pk)
        for name, value in fields.items():
            setattr(locked, name, value)
        _save(locked, actor, reason)
    script.refresh_from_db()


def _save(script: Script, actor: AbstractBaseUser | None, reason: str) -> None:
    script._history_user = actor  # django-simple-history reads both
    script._change_reason = reason
    script.save()


def _said(reason: str) -> str:
    if not reason.strip():
        raise ChangeRefused("say why: the reason is shown in the history for good")
    if len(visible(reason)) > LONGEST_REASON:
        raise ChangeRefused(f"the reason has {len(visible(reason))} characters: {LONGEST_REASON} at the most")
    return visible(reason)
