"""The demo logins: three roles to look around with, while GOBY_DEMO is on and from this machine alone."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db import router
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from goby_site.accounts.throttle import demand_patience, note_success
from scripting.insight.from_here import made_here
from scripting.storage.compiled_query import Prepared, number

# Membership marks a login as a demo login; it grants nothing.
DEMO_GROUP = "demo login"

logger = logging.getLogger("scripting.security")


def from_loopback(request: HttpRequest) -> bool:
    """Whether the request was made on this machine, not through a proxy that GOBY_PROXIES does not name."""
    return made_here(request.META.get("REMOTE_ADDR", ""), request.headers)


def demo_allowed(request: HttpRequest) -> bool:
    """Whether a demo login may be used for this request."""
    return bool(settings.GOBY_DEMO) and from_loopback(request)


def is_demo(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether `user` is one of the demo logins; asks the database only for users that no session brought."""
    known = getattr(user, "is_demo_login", None)
    if known is None:
        known = isinstance(user, User) and user.groups.filter(name=DEMO_GROUP).exists()
    return bool(known)


class DemoAwareBackend(ModelBackend):
    """Django's own backend, which lets nobody guess for long, nor in through a demo login except as `demo_allowed` says."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        demand_patience(request, username)
        user = super().authenticate(request, username=username, password=password, **kwargs)
        if user is not None:
            note_success(request, username)
        if user is not None and is_demo(user) and not (request is not None and demo_allowed(request)):
            logger.warning("demo login refused: GOBY_DEMO is off, or the request is not from this machine")
            return None
        return user

    def get_user(self, user_id: Any) -> User | None:
        """The user of a session, or None for a demo login once GOBY_DEMO is off."""
        user = _user_of_session(user_id)
        if user is None or not self.user_can_authenticate(user) or (is_demo(user) and not settings.GOBY_DEMO):
            return None
        return user


_COLUMNS = [field.attname for field in User._meta.concrete_fields]


def _with_membership() -> QuerySet[Any, Any]:
    member = User.groups.through.objects.filter(user_id=OuterRef("pk"), group__name=DEMO_GROUP)
    return (
        User.objects.annotate(is_demo_login=Exists(member))
        .filter(pk=number("user"))
        .values_list(*_COLUMNS, "is_demo_login")
    )


_by_id = Prepared(_with_membership)  # each request with a session asks it


def _user_of_session(user_id: Any) -> User | None:
    """The user with `is_demo_login`, by one query."""
    database = router.db_for_read(User)
    for *values, is_demo_login in _by_id.rows(database, user=user_id):
        user = User.from_db(database, _COLUMNS, values)
        user.is_demo_login = bool(is_demo_login)  # type: ignore[attr-defined]
        return user
    return None
