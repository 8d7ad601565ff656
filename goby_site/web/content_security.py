"""The site's middleware: what the theme's pages add to the policy, and demo logins that stay on this machine."""

from __future__ import annotations

import re

from csp.constants import SELF, UNSAFE_EVAL
from csp.middleware import CSPMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

THEMED = {"admin", "django_rq"}
"""Where the admin's theme draws the pages: its Alpine evaluates the expressions in its attributes. No style attribute is let through."""
THEME_ADDITIONS = {"script-src": [SELF, UNSAFE_EVAL]}
OWN_IN_ADMIN = re.compile(r"scripting_execution_(?!add$|history$|delete$)")
"""Views of the admin whose pages are drawn in scripting/frame.html, without the theme's scripts."""


class ContentSecurityPolicy(CSPMiddleware):
    """The policy of the settings, with what the theme needs on the theme's pages alone."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if is_themed(request):
            update = getattr(response, "_csp_update", None) or {}
            added = {name: [*update.get(name, []), *values] for name, values in THEME_ADDITIONS.items()}
            response._csp_update = update | added  # type: ignore[attr-defined]
        return super().process_response(request, response)


def is_themed(request: HttpRequest) -> bool:
    """Whether the page is one of the theme's."""
    match = request.resolver_match
    if match is None or match.app_name not in THEMED:
        return False
    return OWN_IN_ADMIN.match(match.url_name or "") is None
