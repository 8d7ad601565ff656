"""Addresses that differ between sites: where one logs in and out, and pages that a site may not have."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from django.conf import settings
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, URLResolver, get_resolver, get_script_prefix, get_urlconf, reverse
from django.utils.translation import get_language

_known: WeakKeyDictionary[URLResolver, dict[tuple[str, str, str | None], str]] = WeakKeyDictionary()
"""Addresses without arguments: a page's menu asks for some seventy."""


def address_of(view: str, *args: object) -> str:
    """Empty for a page that this site has not."""
    if args or not view:
        return _reversed(view, args)
    known = _known.setdefault(get_resolver(get_urlconf()), {})
    asked = (view, get_script_prefix(), get_language())
    if asked not in known:
        known[asked] = _reversed(view, args)
    return known[asked]


def _reversed(view: str, args: tuple[object, ...]) -> str:
    try:
        return reverse(view, args=args) if view else ""
    except NoReverseMatch:
        return ""


def login_address() -> str:
    """The page of LOGIN_URL."""
    return resolve_url(settings.LOGIN_URL)


def logout_address() -> str:
    """The page that takes the POST of who logs out: the admin's, or that of Django's own accounts; empty without either."""
    return address_of("admin:logout") or address_of("logout")
