"""Who may see what belongs to no app: the queues' dashboard is for role admin alone."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

ADMIN_GROUP = "admin"


def is_role_admin(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether `user` has the role admin: an active member of staff who is superuser or in the group `admin`."""
    if not (user.is_active and getattr(user, "is_staff", False)):
        return False
    return bool(getattr(user, "is_superuser", False)) or user.groups.filter(name=ADMIN_GROUP).exists()  # type: ignore[union-attr]


def role_admin_required(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Sends visitors to the login and refuses everyone who has not the role admin."""

    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not is_role_admin(request.user):
            raise PermissionDenied("The queues are for role admin.")
        return view(request, *args, **kwargs)

    return guarded
