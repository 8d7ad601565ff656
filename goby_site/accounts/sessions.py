"""Sessions as Django keeps them in the database; what each request reads of them is compiled once."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import router
from django.utils import timezone

from scripting.storage.compiled_query import Parameter, Prepared

_by_key = Prepared(
    lambda: Session.objects.filter(session_key=Parameter("key")).values_list("session_data", "expire_date")
)


class SessionStore(db.SessionStore):
    """For SESSION_ENGINE, which names its module."""

    def load(self) -> dict[str, Any]:
        """The values of the session. One that has expired or is unknown has none, and loses its key."""
        for data, end in _by_key.rows(router.db_for_read(Session), key=self.session_key or ""):
            if end > timezone.now():
                return self.decode(data)
        self._session_key = None
        return {}
