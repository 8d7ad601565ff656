"""Addresses that differ between sites: where one logs in and out, and pages that a site may not have."""

from __future__ import annotations

from django.conf import settings
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse


def address_of(view: str, *args: object) -> str:
    """Empty for a page that this site has not."""
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
