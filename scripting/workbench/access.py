"""Who may do what in the workbench, and refusals that its pages understand: JSON with a type and what to do."""

from __future__ import annotations

import functools
import json
import logging
import math
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import router
from django.http import Http404, HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect, ensure_csrf_cookie

from scripting.models import Script
from scripting.sandbox.languages.table import LANGUAGES
from scripting.storage.compiled_query import Objects, Parameter
from scripting.texts.plain_json import from_json

VIEW, EDIT, RUN, PUBLISH, TUNE = (f"scripting.{word}_script" for word in ("view", "edit", "run", "publish", "tune"))
WORDS = {
    VIEW: "Looking at scripts",
    EDIT: "Writing drafts",
    RUN: "Trying scripts",
    PUBLISH: "Publishing and rolling back",
    TUNE: "Setting the knobs of scripts",
}
MAX_BODY_BYTES = 2 << 20
"""A draft, its inputs and what JSON adds to them."""

security = logging.getLogger("scripting.security")


class Refusal(Exception):
    """A request that is not carried out: becomes a JSON answer of this status."""

    def __init__(self, status: int, kind: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.document = {"error": {"type": kind, "message": message}, **more}


def may(user: AbstractBaseUser | AnonymousUser, permission: str) -> bool:
    """Whether an active member of staff has the permission."""
    return bool(user.is_active and getattr(user, "is_staff", False) and user.has_perm(permission))  # type: ignore[attr-defined]


def page_for(
    permission: str,
) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """A page for those who have this permission; visitors are sent to the login."""

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @never_cache
        @ensure_csrf_cookie
        @csrf_protect
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not may(request.user, permission):
                raise PermissionDenied(f"{WORDS[permission]} needs the permission {permission}.")
            return view(request, *args, **kwargs)

        return guarded

    return decorate


page = page_for(VIEW)


def api(method: str, permission: str) -> Callable[[Callable[..., Mapping[str, Any]]], Callable[..., JsonResponse]]:
    """An answer in JSON to requests of this method, for those who have the permission and, but for TUNE, may look at scripts.

    CSRF is checked here too, whatever the site's middleware does. A session that ended is a 401 that the page understands.
    """

    def decorate(view: Callable[..., Mapping[str, Any]]) -> Callable[..., JsonResponse]:
        @never_cache
        @csrf_protect
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
            try:
                if request.method != method:
                    raise Refusal(405, "method", f"this address takes {method}")
                if not request.user.is_authenticated:
                    raise Refusal(
                        401, "login_required", "Your session has ended: log in again. Your text is kept here."
                    )
                for needed in {TUNE} if permission == TUNE else {VIEW, permission}:
                    if not may(request.user, needed):
                        raise forbidden(request, needed)
                return JsonResponse(dict(view(request, *args, **kwargs)))
            except Refusal as refusal:
                return JsonResponse(refusal.document, status=refusal.status)

        return guarded

    return decorate


def forbidden(request: HttpRequest, permission: str) -> Refusal:
    security.warning("%s asked for %s without the permission %s", request.user, request.path, permission)
    return Refusal(403, "forbidden", f"{WORDS[permission]} needs the permission {permission}: ask an admin for it.")


def body_of(request: HttpRequest) -> dict[str, Any]:
    """The request's JSON document. Raises Refusal."""
    try:
        if int(request.headers.get("Content-Length") or 0) > MAX_BODY_BYTES:
            raise Refusal(413, "too_large", f"A request may have {MAX_BODY_BYTES >> 20} MiB.")
        document = json.loads(request.body, object_hook=from_json, parse_float=_finite)
    except RequestDataTooBig:
        raise Refusal(413, "too_large", "The request is too large.") from None
    except (ValueError, RecursionError):
        raise Refusal(400, "not_json", "The request is no JSON document.") from None
    if not isinstance(document, dict):
        raise Refusal(400, "not_json", "The request is no JSON object.")
    return document


def _finite(text: str) -> float:
    """A decimal number of a request; one that no float can hold would become infinite. Raises Refusal."""
    value = float(text)
    if math.isinf(value):
        raise Refusal(422, "inputs", f"{text[:40]} is too large for a decimal number.")
    return value


def text_in(document: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """A text of the document that a database can hold. Raises Refusal."""
    value = document.get(name, default)
    if not isinstance(value, str):
        raise Refusal(400, "wrong_type", f"{name} must be a text")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise Refusal(422, "bad_text", f"{name} has half a character in it: remove it and save again") from None
    if "\x00" in value:
        raise Refusal(422, "bad_text", f"{name} has a NUL character in it: remove it and save again")
    return value


def known_language(language: str) -> str:
    """Raises Refusal."""
    if language not in LANGUAGES:
        raise Refusal(422, "language", f"There is no language {language!r} (there are: {', '.join(LANGUAGES)}).")
    return language


def script_named(module: str, name: str) -> Script:
    """The script of an address. Raises Http404."""
    for found in _named.found(router.db_for_read(Script), module=module, name=name):
        return found
    raise Http404(f"There is no script {module}/{name}.")


_named = Objects(
    lambda: Script.objects.named(Parameter("module"), Parameter("name")).select_related(
        "active_version__author", "default_version", "active_version__script"
    )
)
