"""Template context of every page of the workbench: the menu, permissions, the site's names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest

from scripting.insight.addresses import address_of, logout_address
from scripting.insight.menu import note_lines, waiting_reviews
from scripting.models import Script
from scripting.modules.installed import modules
from scripting.modules.scriptable import ModulePage, ScriptableModule
from scripting.registry.gate import OVERRIDE
from scripting.workbench.access import EDIT, PUBLISH, RUN, TUNE, VIEW, may


def common(request: HttpRequest) -> dict[str, Any]:
    return {
        "admin": address_of("admin:index"),
        "logout": logout_address(),
        "may": permissions(request),
        "notes": note_lines(request),
        "waiting_reviews": waiting_reviews(request),
        "menu": [page for module in modules for page in pages_of(module)],
        **site_names(request),
    }


def site_names(request: HttpRequest) -> dict[str, Any]:
    """The site's title and header, as the admin has them.

    Where the theme takes both from plain words of the settings, these: `each_context` makes the whole menu of the admin too, a quarter
    of a page's work.
    """
    theme = getattr(settings, "UNFOLD", {})
    if admin.site.each_context.__module__ == "unfold.sites" and not theme.get("GLOBAL_CALLBACK"):
        told = {name: theme.get(name.upper()) or "." for name in ("site_title", "site_header")}
        # With a dot it may name a function, which the theme calls.
        if all(isinstance(word, str) and "." not in word for word in told.values()):
            return told
    context = admin.site.each_context(request)
    return {name: context[name] for name in ("site_title", "site_header")}


def permissions(request: HttpRequest) -> dict[str, bool]:
    words = (("view", VIEW), ("edit", EDIT), ("run", RUN), ("publish", PUBLISH), ("tune", TUNE))
    found = {word: may(request.user, code) for word, code in words}
    return found | {"create": found["edit"] and found["publish"], "override": may(request.user, OVERRIDE)}


def live_page(script: Script) -> dict[str, str] | None:
    """Where the script's effects are seen: title and address. None where its module names no page, or the site has it not."""
    module = modules.get(script.module)
    if module is None or module.live_page is None:
        return None
    return next(iter(linked([module.live_page])), None)


def pages_of(module: ScriptableModule) -> list[dict[str, str]]:
    """The module's live page, then its further pages."""
    return linked([*([module.live_page] if module.live_page else []), *module.more_pages])


def linked(pages: Iterable[ModulePage]) -> list[dict[str, str]]:
    """Titles with addresses, of those that this site has."""
    found = [{"title": page.title, "url": address_of(page.view)} for page in pages]
    return [page for page in found if page["url"]]


def whole_number(text: str) -> int:
    """0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
