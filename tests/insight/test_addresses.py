"""Addresses of pages: those of the URLs, the prefix and the language of the moment."""

from __future__ import annotations

from typing import Any

from django.urls import clear_url_caches, set_script_prefix, set_urlconf

from scripting.insight.addresses import address_of

PAGE = "workbench:scripts"


def test_an_address_has_the_prefix_of_the_moment() -> None:
    plain = address_of(PAGE)
    set_script_prefix("/below/")
    try:
        assert address_of(PAGE) == f"/below{plain}"
    finally:
        set_script_prefix("/")
    assert address_of(PAGE) == plain != ""


def test_an_address_is_that_of_the_urls_of_the_moment(settings: Any) -> None:
    assert address_of("admin:index") == "/admin/"
    set_urlconf("scripting.urls")
    try:
        assert address_of("admin:index") == "", "these have no admin"
    finally:
        set_urlconf(None)
    settings.ROOT_URLCONF = "scripting.urls"
    clear_url_caches()
    assert address_of("admin:index") == ""
    settings.ROOT_URLCONF = "goby_site.urls"
    clear_url_caches()
    assert address_of("admin:index") == "/admin/"


def test_a_page_that_the_site_has_not_and_no_page_have_no_address() -> None:
    assert (address_of("admin:nothing_of_it"), address_of("")) == ("", "")
