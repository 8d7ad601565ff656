"""Where the pages of executions are inside the admin, beside its own page of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.admin import AdminSite
from django.urls import URLPattern, path

from scripting.insight import again, executions, export, letters, pages

PAGES: tuple[tuple[str, Callable[..., Any], str], ...] = (
    ("figures/", pages.page, "figures"),
    ("figures/now/", pages.now, "now"),
    ("stop/<str:execution>/", pages.stop, "stop"),
    ("again/<uuid:execution>/", again.page, "again"),
    ("rows/", executions.rows, "rows"),
    ("export/<str:form>/", export.export, "export"),
    ("dead-letters/", letters.page, "letters"),
    ("dead-letters/<str:letter>/", letters.letter, "letter"),
    ("dead-letters/<str:letter>/put-back/", letters.put_back, "letter_put_back"),
    ("dead-letters/<str:letter>/delete/", letters.delete, "letter_delete"),
)


def admin_urls(site: AdminSite) -> list[URLPattern]:
    """Named scripting_execution_figures and so on; for staff alone."""
    return [path(route, site.admin_view(view), name=f"scripting_execution_{name}") for route, view, name in PAGES]
