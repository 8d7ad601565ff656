"""A host that starts before its database waits for it: what systemd started after `prepare` would not be started again."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.core.management.base import CommandError
from django.db import DatabaseError, InterfaceError
from django.db.backends.base.base import BaseDatabaseWrapper

from scripting.storage.database import is_unavailable

LOOK_SECONDS = 1.0
SAY_SECONDS = 60.0


def reach(connection: BaseDatabaseWrapper, say: Callable[[str], None], *, wait: bool) -> None:
    """Return once the database answers. Raises CommandError where it does not, unless `wait`; `say` is then told why, once a minute."""
    said: tuple[str, float] | None = None
    while True:
        try:
            connection.ensure_connection()
        except (DatabaseError, InterfaceError) as error:
            if not is_unavailable(error):
                raise
            text = f"DATABASE_URL names a database that cannot be reached: {str(error).strip()}"
            if not wait:
                raise CommandError(text) from None
            now = time.monotonic()
            if said is None or said[0] != text or now - said[1] >= SAY_SECONDS:
                say(f"{text}\nTrying again until it can be …")
                said = (text, now)
            time.sleep(LOOK_SECONDS)
        else:
            return
