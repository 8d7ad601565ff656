"""Leaves out what pytest-django sets up around each test and most have no use for: seven fixtures, of which each serves a mark.

They do nothing where the test has not that mark, and cost about a third of all that pytest computes for a test.
"""

from __future__ import annotations

import unittest
from collections.abc import Callable

import pytest
from django.apps import apps


def has(mark: str) -> Callable[[pytest.Function], bool]:
    """Whether a test has the mark."""
    return lambda item: item.get_closest_marker(mark) is not None


SERVES: dict[str, Callable[[pytest.Function], bool]] = {
    "_django_clear_site_cache": lambda _: apps.is_installed("django.contrib.sites"),
    "_django_db_marker": has("django_db"),
    "_django_isolate_apps": has("django_isolate_apps"),
    "_django_set_urlconf": has("urls"),
    "_django_setup_unittest": lambda item: item.cls is not None and issubclass(item.cls, unittest.TestCase),
    "_live_server_helper": lambda item: "live_server" in item.fixturenames,
    "_template_string_if_invalid_marker": has("ignore_template_errors"),
}
"""Fixtures, and which tests each does something for."""
BEGUN_EARLY = "_template_string_if_invalid_marker", "monkeypatch"
"""The first begins the second for every test, so that what was patched is put back last of all. This stays so where a test patches."""


def leave_out(item: pytest.Item) -> None:
    """Leave out of the test's fixtures those that do nothing for it."""
    if not isinstance(item, pytest.Function):
        return
    early, patching = BEGUN_EARLY
    names = [name for name in item.fixturenames if name not in SERVES or SERVES[name](item)]
    if early not in names and patching in names:
        names.remove(patching)
        if is_asked_for(patching, item):
            names.insert(0, patching)
    item.fixturenames = names


def is_asked_for(fixture: str, item: pytest.Function) -> bool:
    """Whether the test or one of its other fixtures asks for it."""
    info = item._fixtureinfo
    asking = (info.name2fixturedefs[name][-1] for name in item.fixturenames if name in info.name2fixturedefs)
    return fixture in info.argnames or any(fixture in one.argnames for one in asking if one.argname not in SERVES)
