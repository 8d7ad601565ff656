"""Where the pages of executions are inside the admin, beside its own page of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.admin import AdminSite
from django.urls import URLPattern, path

from scripting.insight import dead_letters_page
from scripting.insight.dashboard import page
from scripting.insight.executions import export, list_page, replay_page
from scripting.insight.receipts import pages, share_pages

PAGES: tuple[tuple[str, Callable[..., Any], str], ...] = (
    ("figures/", page.page, "figures"),
    ("figures/now/", page.now, "now"),
    ("stop/<str:execution>/", page.stop, "stop"),
    ("again/<uuid:execution>/", replay_page.page, "again"),
    ("rows/", list_page.rows, "rows"),
    ("export/<str:form>/", export.export, "export"),
    ("receipts/", pages.page, "receipts"),
    ("receipts/roots.jsonl", pages.roots, "roots"),
    ("receipts/offline.py", pages.verifier, "verifier"),
    ("bundle/<uuid:execution>/", pages.bundle, "bundle"),
    ("share/<uuid:execution>/", share_pages.make, "share"),
    ("shares/", share_pages.page, "shares"),
    ("shares/<uuid:share>/revoke/", share_pages.end, "revoke"),
    ("dead-letters/", dead_letters_page.page, "letters"),
    ("dead-letters/<str:key>/", dead_letters_page.dead_letter, "letter"),
    ("dead-letters/<str:key>/put-back/", dead_letters_page.put_back, "letter_put_back"),
    ("dead-letters/<str:key>/delete/", dead_letters_page.delete, "letter_delete"),
)


def admin_urls(site: AdminSite) -> list[URLPattern]:
    """Named scripting_execution_figures and so on; for staff alone."""
    return [path(route, site.admin_view(view), name=f"scripting_execution_{name}") for route, view, name in PAGES]
