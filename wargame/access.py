"""Who may watch the battle: everyone where WARGAME_PUBLIC says so, else those with permission wargame.view_game."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase


def is_public() -> bool:
    """Setting WARGAME_PUBLIC; without it the battle is public on a demo site."""
    return bool(getattr(settings, "WARGAME_PUBLIC", getattr(settings, "GOBY_DEMO", False)))


def may_watch(user: Any) -> bool:
    return is_public() or (user is not None and bool(user.has_perm("wargame.view_game")))


def watchers_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Sends visitors to the login where the battle is not public, and refuses those without permission."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if may_watch(request.user):
            return view(request, *args, **kwargs)
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        raise PermissionDenied("Watching the battle needs the permission wargame.view_game.")

    return guarded
