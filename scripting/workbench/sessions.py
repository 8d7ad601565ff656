"""The sockets of a session: they end when it does, at once by a message, at the latest at their next look."""

from __future__ import annotations

import hashlib
from importlib import import_module
from typing import Any

from channels.auth import get_user
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from scripting.processes import sending
from scripting.workbench.access import VIEW, may

ENDED = "scripting.session_ended"
"""The type of the message."""


def group_of(session_key: str) -> str:
    """The Channels group of a session's sockets; who sees the names of groups learns no key from them."""
    return f"scripting.session.{hashlib.sha256(session_key.encode()).hexdigest()[:40]}"


def tell_ended(session_key: str) -> None:
    """Close the sockets of a session that ends now; never fails the caller."""
    sending.send([(group_of(session_key), {"type": ENDED})], "that a session ended")


async def may_still_look(session_key: str | None) -> bool | None:
    """Whether the session's user may look at scripts by what the database says now; None: nobody is logged in any more."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    user = await get_user({"session": store(session_key)})
    return await database_sync_to_async(may)(user, VIEW) if user.is_authenticated else None


@receiver(user_logged_out)
def logged_out(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    """Close the other sockets of a browser that logged out."""
    session = getattr(request, "session", None)
    if session is not None and session.session_key:
        tell_ended(session.session_key)
