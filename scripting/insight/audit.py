"""Who did what to executions: kept in the admin's own log of changes and told to the security log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from scripting.models import Execution
from scripting.texts.escaping import one_line

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

security = logging.getLogger("scripting.security")


def record(user: User | AnonymousUser, what: str) -> None:
    """Keep that `user` did `what`, a sentence without its subject."""
    said = one_line(what, 2000)
    security.info("%s %s", user, said, extra={"by": str(user)})
    assert user.is_authenticated  # pages of the admin are for staff
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(Execution),
        object_repr=said[:200],
        action_flag=CHANGE,
        change_message=said,
    )


def stopped_by(execution: Execution) -> User | None:
    """Who stopped it; None where nobody did, or it is not known."""
    of_executions = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(Execution))
    said = of_executions.filter(change_message__startswith=f"stopped execution {execution.pk} ")
    found = said.select_related("user").order_by("pk").first()
    return found.user if found else None
