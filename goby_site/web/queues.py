"""The queues' dashboard: closed unless GOBY_QUEUES opens it, for role admin alone; what it does not find is a 404, whatever the address holds."""

from __future__ import annotations

import functools
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django_rq.settings import get_queues_list
from redis import RedisError
from rq.exceptions import NoSuchJobError

from goby_site.accounts.roles import is_role_admin
from scripting.storage import redis_errors

GONE = (NoSuchJobError, ValueError, ImproperlyConfigured)
"""Raised by the dashboard for a job or worker that is gone, an invalid key, and an unknown scheduler."""
INDEXES = ("queue_index", "scheduler_index", "connection_index")


def for_role_admin(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Answer 404 where the dashboard is closed, send visitors to the login, refuse everyone without the role admin, answer 404 for what is not there."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not settings.GOBY_QUEUES:
            raise Http404("The queues' dashboard is closed: GOBY_QUEUES=true opens it to role admin.")
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not is_role_admin(request.user):
            raise PermissionDenied("The queues are for role admin.")
        for name in INDEXES:
            index = kwargs.get(name, 0)
            if isinstance(index, int) and index >= len(get_queues_list()):
                raise Http404(f"There is no queue {index}.")
        try:
            return view(request, *args, **kwargs)
        except GONE as gone:
            raise Http404(str(gone)) from None
        except RedisError as error:
            if not redis_errors.noted(error):
                raise
            return render(request, "503.html", status=503)

    return guarded
