"""System checks of what our pages need of the site that shows them: addresses, the admin and its theme, the editor, a user model."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's own name
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, URLResolver, get_resolver, resolve, reverse

from scripting.checks import ONE_CALL, PAGES
from scripting.conf import FINDER

PACKAGES = ("django_ace", "prometheus_client")
"""Packages that pages use beside the apps of E011 and E013."""


def has_pages() -> bool:
    """Whether this site shows pages of ours; one that only runs scripts needs nothing for them."""
    return bool(address("workbench:scripts"))


def address(view: str) -> str:
    """Empty for a view that the site does not have."""
    try:
        return reverse(view)
    except NoReverseMatch:
        return ""


@register(PAGES)
def check_urls(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """W005: no page of ours has an address. E010: the admin, where executions and scripts are managed, has none."""
    if not has_pages():
        hint = 'Add path("rules/", include("scripting.urls")) to ROOT_URLCONF, or silence this where only scripts run.'
        return [Warning("the site includes no page of scripting", hint=hint, id="scripting.W005")]
    if not apps.is_installed("django.contrib.admin"):
        hint = "Add it to INSTALLED_APPS and its URLs to ROOT_URLCONF."
        return [Error("django.contrib.admin is not installed", hint=hint, id="scripting.E010")]
    if not address("admin:index"):
        hint = 'Add path("admin/", admin.site.urls) to ROOT_URLCONF.'
        return [Error("the admin has no address: executions have no page", hint=hint, id="scripting.E010")]
    if not (check_theme(None) or check_history(None) or address("admin:scripting_execution_changelist")):
        hint = "Name your own site in `default_site` of your AdminConfig, so that apps register with it."
        return [Error("the admin that has an address is not django.contrib.admin.site", hint=hint, id="scripting.E010")]
    return []


@register(PAGES)
def check_endpoints(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E018: two modules have endpoints at one address, where only the first one answers."""
    found: list[CheckMessage] = []
    first: dict[str, str] = {}
    for place, module in _endpoints(get_resolver()):
        other = first.setdefault(place, module)
        if other != module:
            message = f"/{place} is an endpoint of {other} and of {module}: only {other} answers there"
            hint = f'Include endpoint_urls("{module}") below a prefix of its own.'
            found.append(Error(message, hint=hint, id="scripting.E018"))
    return found


def _endpoints(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, str]]:
    """Address and module of each endpoint, in the order in which they are looked at."""
    from scripting.endpoints import EndpointView  # the engine below it is long to load

    for each in resolver.url_patterns:
        place = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _endpoints(each, place)
        elif getattr(each.callback, "view_class", None) is EndpointView:
            yield place, vars(each.callback)["view_initkwargs"]["module_name"]


def theme() -> AppConfig | None:
    """The app of the admin's theme."""
    return apps.app_configs.get("unfold")


@register(PAGES)
def check_theme(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E011: our pages lack the theme that they are drawn with. E012: the theme stands where it does harm."""
    if not has_pages() or not apps.is_installed("django.contrib.admin"):
        return []
    if theme() is None:
        hint = (
            f'pip install "goby[admin]" and put "unfold.apps.BasicAppConfig" behind django.contrib.admin, {ONE_CALL}.'
        )
        return [Error("unfold is not installed: scripts have no pages in the admin", hint=hint, id="scripting.E011")]
    order = list(apps.app_configs)
    before = "admin" not in order or order.index("unfold") < order.index("admin")
    replaces = type(theme()).__name__ == "DefaultAppConfig"
    if replaces and not before:
        hint = 'Put "unfold" before django.contrib.admin for its look on every page, or write "unfold.apps.BasicAppConfig".'
        message = "unfold replaces the admin's site after apps registered with it: the admin is empty"
        return [Error(message, hint=hint, id="scripting.E012")]
    if before and not replaces and not _is_themed_site():
        hint = 'Put "unfold.apps.BasicAppConfig" behind django.contrib.admin.'
        message = "unfold's templates stand for those of an admin that is not unfold's: its pages fall apart"
        return [Error(message, hint=hint, id="scripting.E012")]
    return []


def _is_themed_site() -> bool:
    from django.contrib import admin
    from unfold.sites import UnfoldAdminSite

    return isinstance(admin.site, UnfoldAdminSite)


@register(PAGES)
def check_history(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E013: the history of a script has no page."""
    if not has_pages() or apps.is_installed("simple_history"):
        return []
    hint = f'Add "simple_history" to INSTALLED_APPS, {ONE_CALL}.'
    return [
        Error("simple_history is not installed: the history of scripts has no page", hint=hint, id="scripting.E013")
    ]


@register(PAGES)
def check_editor(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E014: the workbench has no editor, or /metrics nothing to write with."""
    if not has_pages():
        return []
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        message = f"the pages of scripting miss {', '.join(missing)}"
        return [Error(message, hint='pip install "goby[admin]".', id="scripting.E014")]
    if FINDER not in settings.STATICFILES_FINDERS:
        hint = f'Add "{FINDER}" to STATICFILES_FINDERS, {ONE_CALL}.'
        return [Error("no finder of static files finds the editor", hint=hint, id="scripting.E014")]
    return []


@register(PAGES)
def check_users(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E015: the user model cannot say who may use our pages. W006: who must log in is sent to a page that is not there."""
    if not has_pages():
        return []
    found: list[CheckMessage] = []
    model = get_user_model()
    missing = [name for name in ("is_active", "is_staff", "has_perm") if not hasattr(model, name)]
    if missing:
        hint = "Derive it from PermissionsMixin and give it a field is_staff, as Django's admin asks."
        message = f"{settings.AUTH_USER_MODEL} has no {', '.join(missing)}: nobody can use the pages of scripting"
        found.append(Error(message, hint=hint, obj=model, id="scripting.E015"))
    try:
        resolve(urlsplit(resolve_url(settings.LOGIN_URL)).path)
    except (Resolver404, NoReverseMatch):
        hint = 'Set LOGIN_URL to a page of this site, such as "admin:login".'
        message = f"LOGIN_URL is {settings.LOGIN_URL!r}, which no view of this site answers"
        found.append(Warning(message, hint=hint, id="scripting.W006"))
    return found
