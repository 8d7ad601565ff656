"""Who may see what belongs to no app: the queues' dashboard is for role admin alone."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from redis.exceptions import ConnectionError as RedisGone
from redis.exceptions import TimeoutError as RedisSilent
from rq.exceptions import NoSuchJobError

logger = logging.getLogger(__name__)

ADMIN_GROUP = "admin"
GONE = (NoSuchJobError, ValueError, ImproperlyConfigured)
"""What the dashboard raises for a job or worker that is no more, a key that is none, and a scheduler that is not there."""


def is_role_admin(user: User | AnonymousUser) -> bool:
    """Whether `user` has the role admin: an active member of staff who is superuser or in the group `admin`."""
    if not (user.is_active and user.is_staff):
        return False
    return user.is_superuser or user.groups.filter(name=ADMIN_GROUP).exists()


def role_admin_required(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Sends visitors to the login and refuses everyone who has not the role admin."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not is_role_admin(request.user):
            raise PermissionDenied("The queues are for role admin.")
        try:
            return view(request, *args, **kwargs)
        except GONE as gone:
            raise Http404(str(gone)) from None
        except (RedisGone, RedisSilent) as away:
            logger.warning("the queues' dashboard cannot reach Redis: %s", away)
            return render(request, "503.html", status=503)

    return guarded
