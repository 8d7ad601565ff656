"""The demo logins: three roles to look around with, while GOBY_DEMO is on and from this machine alone."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Permission, User
from django.db import router
from django.db.models import Exists, OuterRef, QuerySet, Value
from django.http import HttpRequest

from goby_site.accounts.throttle import demand_patience, note_success
from scripting.insight.from_here import made_here
from scripting.storage.compiled_query import Objects, Prepared, number

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
        user = next(iter(_by_id.found(router.db_for_read(User), user=user_id)), None)
        if user is None or not self.user_can_authenticate(user) or (is_demo(user) and not settings.GOBY_DEMO):
            return None
        return user

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """As Django's, and remembered where Django looks: of nearly every request."""
        asks = user_obj.is_active and not user_obj.is_anonymous and not user_obj.is_superuser and obj is None
        if asks and not hasattr(user_obj, "_perm_cache"):
            database = router.db_for_read(Permission)
            rows = (row for query in _permissions for row in query.rows(database, user=user_obj.pk))
            user_obj._perm_cache = {f"{label}.{codename}" for label, codename in rows}
        return super().get_all_permissions(user_obj, obj)


def _with_membership() -> QuerySet[User]:
    member = User.groups.through.objects.filter(user_id=OuterRef("pk"), group__name=DEMO_GROUP)
    return User.objects.annotate(is_demo_login=Exists(member)).filter(pk=number("user"))


_by_id = Objects(_with_membership)  # each request with a session asks it


def _given(**to: Value) -> QuerySet[Permission, Any]:
    return Permission.objects.filter(**to).values_list("content_type__app_label", "codename").order_by()


_permissions = (
    Prepared(lambda: _given(user=number("user"))),
    Prepared(lambda: _given(group__user=number("user"))),
)
