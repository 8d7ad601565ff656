"""Every address of the site, from the URL resolver."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.urls import URLResolver, get_resolver


def routes(resolver: URLResolver | None = None, before: str = "") -> Iterator[str]:
    for pattern in (resolver or get_resolver()).url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, route)
        else:
            yield route


def address(route: str, values: dict[str, str]) -> str:
    """One address of the route."""
    of_model = re.match(r"admin/\w+/(\w+)/", route)
    one = values.get(of_model[1], "1") if of_model else "1"
    if route == "^admin/r/":
        return "/admin/r/1/1/"
    if route.startswith("admin/^"):
        return "/admin/scripting/"
    path = route.replace("^([^/]+)/history/([^/]+)/$", f"{one}/history/1/").replace("(?P<url>.*)$", "nowhere")
    path = re.sub(r"\^(stats\.json|metrics).*", r"\1", path)
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda part: values.get(part[1], one), path)
