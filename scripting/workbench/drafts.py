"""Drafts, one for each script and person: saved with a revision token, so that two tabs never overwrite each other."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.db import transaction

from scripting.models import Draft, Script, ScriptVersion
from scripting.workbench.access import Refusal

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def draft_of(script: Script, user: User) -> Draft | None:
    return Draft.objects.filter(script=script, user=user).select_related("base_version").first()


def described(draft: Draft) -> dict[str, Any]:
    """A draft as the page knows it."""
    return {
        "source": draft.source,
        "language": draft.language,
        "revision": str(draft.revision),
        "base": draft.base_version.number if draft.base_version else None,
        "saved_at": draft.updated_at.timestamp(),
    }


def save(
    script: Script, user: User, source: str, language: str, base: ScriptVersion | None, revision: str | None
) -> Draft:
    """Save what the page has, if what is stored is what the page began with. Raises Refusal 409 with the other text."""
    with transaction.atomic():
        # The script's row is the lock: a draft that does not exist yet has none.
        Script.objects.select_for_update().get(pk=script.pk)
        draft = draft_of(script, user)
        if draft is None:
            draft = Draft(script=script, user=user)
        elif (draft.source, draft.language) == (source, language) and draft.base_version == base:
            return draft
        elif str(draft.revision) != revision:
            raise conflict(draft)
        draft.source, draft.language, draft.base_version, draft.revision = source, language, base, uuid.uuid4()
        draft.save()
    return draft


def discard(script: Script, user: User, revision: str | None) -> None:
    """Delete the draft, if it is the one that the page knows. Raises Refusal 409 with the other text."""
    with transaction.atomic():
        Script.objects.select_for_update().get(pk=script.pk)
        draft = draft_of(script, user)
        if draft is None:
            return
        if str(draft.revision) != revision:
            raise conflict(draft)
        draft.delete()


def conflict(draft: Draft) -> Refusal:
    base = draft.base_version
    return Refusal(
        409,
        "draft_conflict",
        "This script is open in another tab or on another device, and was changed there.",
        theirs=described(draft),
        base_source=base.source if base else "",
    )
