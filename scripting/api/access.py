"""Who asks, and whether they may: a token, its action, its scripts, and what its user may do."""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime

import redis
from django.http import HttpRequest
from ninja.security import HttpBearer

from scripting import clock
from scripting.access import tokens
from scripting.api.problems import Problem
from scripting.conf import conf
from scripting.models import Script
from scripting.models.tokens import Action, ApiToken
from scripting.storage.redis_client import GLANCE_SECONDS, is_silent, redis_client, within

security = logging.getLogger("scripting.security")

PERMISSIONS = {
    Action.READ: ("scripting.view_script",),
    Action.CHECK: ("scripting.view_script", "scripting.edit_script"),
    Action.TRY: ("scripting.view_script", "scripting.run_script"),
    Action.PUBLISH: ("scripting.view_script", "scripting.publish_script"),
    Action.EVENTS: ("scripting.publish_event",),
    Action.ENDPOINTS: ("scripting.run_script",),
}
"""Permissions of the token's user that an action takes, as the workbench asks them of who sits before it."""
OF_STAFF = frozenset({Action.READ, Action.CHECK, Action.TRY, Action.PUBLISH})
"""Actions that the pages, too, leave to members of staff."""
EXECUTIONS = "scripting.view_execution"
REMEMBERED = 1.0
"""Seconds that a process trusts what it read of a token: so long at most does one that is revoked still open something."""
MOST_REMEMBERED = 1000
WINDOW = 60
"""Seconds over which requests of a token are counted."""
AHEAD = 600
"""A process counts this part of what a token may make in a window in advance: a tenth of a second's. Small limits are exact."""


class ApiRequest(HttpRequest):
    """A request whose token is known."""

    auth: ApiToken


class Token(HttpBearer):
    """`Authorization: Bearer goby_…`."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken:
        """The token of a request. Raises Problem."""
        known, now, address = remembered(token), clock.now(), request.META.get("REMOTE_ADDR", "")
        if known is None or (state := state_of(known, now)) != "valid":
            said = state if known and state in ("expired", "revoked") else "not known here, or its user is not active"
            raise Problem(
                401,
                "bad_token",
                f"This token is {said}: ask an admin for another.",
                headers={"WWW-Authenticate": 'Bearer realm="goby", error="invalid_token"'},
            )
        if not known.may_come_from(address):
            security.warning("token %s was used from %s, which it may not come from", known, address)
            raise Problem(403, "network", f"This token may not be used from {address}.")
        if not counted(known, 1):
            most, wait = most_of(known), WINDOW - int(clock.seconds()) % WINDOW
            detail = f"This token may make {most} requests in a minute: come back in {wait} s."
            raise Problem(429, "too_many", detail, headers={"Retry-After": str(wait)})
        tokens.used(known, now)
        return known


def state_of(token: ApiToken, now: datetime) -> str:
    """`valid`, `expired`, `revoked`, or `idle` where its user is not active."""
    return token.state(now) if token.user.is_active else "idle"


def remembered(text: str) -> ApiToken | None:
    """The token as it was read at most REMEMBERED seconds ago, with its user and what they may do."""
    now = time.monotonic()
    since, token = _tokens.get(text, (-REMEMBERED, None))
    if token is None or now - since >= REMEMBERED:
        token = tokens.found(text)
        if len(_tokens) >= MOST_REMEMBERED:
            _tokens.clear()
        if token is not None:
            _tokens[text] = now, token
    return token


_tokens: dict[str, tuple[float, ApiToken]] = {}


def most_of(token: ApiToken) -> int:
    """Requests that the token may make in a minute."""
    return token.per_minute or conf.SCRIPTING_API_RATE


def counted(token: ApiToken, requests: int) -> int:
    """Count requests of the token: how many of them it may still make. Without Redis nothing is counted.

    Each process counts some in advance (see AHEAD), so that not every request costs an exchange.
    """
    window, most = int(clock.seconds() // WINDOW), most_of(token)
    missing = requests - _take_ahead(token.public_id, window, requests)
    if not missing:
        return requests
    # Outside the lock: a Redis that hangs holds up who asks it, and nobody else.
    granted = _granted(f"{conf.SCRIPTING_REDIS_PREFIX}:api:{token.public_id}:{window}", missing + most // AHEAD, most)
    if granted is None:
        return requests
    if granted > missing:
        _add_ahead(token.public_id, window, granted - missing)
    return requests - missing + min(granted, missing)


def _take_ahead(public_id: str, window: int, requests: int) -> int:
    """Use requests that were counted in advance: how many there were."""
    with _counting:
        since, left = _ahead.get(public_id, (window, 0))
        if since != window or not left:
            return 0
        taken = min(left, requests)
        _ahead[public_id] = window, left - taken
        return taken


def _add_ahead(public_id: str, window: int, requests: int) -> None:
    with _counting:
        if len(_ahead) >= MOST_REMEMBERED:
            _ahead.clear()
        since, left = _ahead.get(public_id, (window, 0))
        _ahead[public_id] = window, requests + (left if since == window else 0)


def _granted(key: str, wanted: int, most: int) -> int | None:
    """How many of the requests there is room for, now that they are counted; None without Redis."""
    if is_silent():
        return None
    try:
        with within(GLANCE_SECONDS), redis_client().pipeline(transaction=False) as pipe:
            pipe.incrby(key, wanted)
            pipe.expire(key, 2 * WINDOW)
            made = int(pipe.execute()[0])
    except redis.RedisError:
        return None
    return max(0, wanted - max(0, made - most))


_ahead: dict[str, tuple[int, int]] = {}
"""By token: the window, and how many of the requests counted in it were not made yet."""
_counting = threading.Lock()


def demand(request: ApiRequest, action: Action, *scripts: str, also: str = "") -> None:
    """Raise Problem unless the token and its user (who has the permission `also` too) may do this to all these scripts (`module/name`)."""
    if why := why_not(request.auth, action, *scripts, also=also):
        security.warning("token %s asked for %s %s: %s", request.auth, request.method, request.path, why)
        raise Problem(403, "forbidden", why)


def why_not(token: ApiToken, action: Action, *scripts: str, also: str = "") -> str:
    """Why the token may not do this, as a sentence; empty where it may."""
    if not token.allows(action):
        return f"This token is not for this: it lacks the action {action.value}."
    if action in OF_STAFF and not token.user.is_staff:
        return f"{token.user} is no member of staff, so their token may not do this."
    for permission in filter(None, (*PERMISSIONS[action], also)):
        if not token.user.has_perm(permission):
            return f"{token.user} lacks the permission {permission}, and so does their token."
    return next((f"This token is not for {script}." for script in scripts if not token.covers(script)), "")


def script_for(request: ApiRequest, action: Action, module: str, name: str) -> Script:
    """The script of an address, for an action on it. Raises Problem."""
    demand(request, action, f"{module}/{name}")
    found = Script.objects.in_use().named(module, name).select_related("active_version", "default_version").first()
    if found is None:
        raise Problem(404, "no_script", f"There is no script {module}/{name}.")
    return found
