"""Announce that what runs has changed: once for each change, after its commit, to this process and all others."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from scripting.models import SHARED, Script
from scripting.processes import generation, notices
from scripting.processes.generation import Span
from scripting.processes.notices import Notice
from scripting.registry import compiled_code
from scripting.registry.active import registry
from scripting.registry.carried import sealed
from scripting.registry.reading import alone
from scripting.storage import numbers
from scripting.storage.lua import Call


def announce(notice: Notice, *, using: str | None = None) -> None:
    """Once the transaction is committed, raise the generation, have this process follow the change, and send the notice.

    Without Redis nobody hears of it: each process finds the change at its next look into the database.
    """

    def tell() -> None:
        known = registry.known(notice.key)
        script, found = sealed(notice.key, known) if notice.kind == notices.ACTIVATED else ("", None)
        made = generation.bump(_numbers(notice))
        followed = {}
        if found is not None and notice.module != SHARED:
            followed = registry.adopt({found.key: found}, Span.of(made))
        if not followed:
            registry.discard(notice.module, notice.script, made)
        if made is not None:
            notices.spread(replace(notice, carried=script, change=found.change if found else 0), made)
            for each in followed.values() or ([alone(found)] if found is not None else []):
                compiled_code.offer(each)

    transaction.on_commit(tell, using=using)


def _numbers(notice: Notice) -> list[Call]:
    """The version's number, to be noted in the same exchange."""
    if notice.kind != notices.ACTIVATED or notice.number is None:
        return []
    return [numbers.noting(numbers.VERSION, f"{notice.module}/{notice.script}", notice.number)]


@receiver(post_save, sender=Script)
def script_saved(
    sender: type[Script], instance: Script, using: str, update_fields: Collection[str] | None, **kwargs: Any
) -> None:
    """Announce every save of a script (limits, switches, default), whoever makes it.

    Only `activate` saves the active version by name, and announces it itself: it alone knows the cause.
    """
    if update_fields is None or "active_version" not in update_fields:
        announce(notices.changed(instance), using=using)
