"""Settings of a process that was forked from one with other settings."""

from __future__ import annotations

import os
import sys


def read_settings_anew() -> None:
    """From the environment of now. Django is told what has changed, as its own tests tell it."""
    from django.conf import Settings, settings
    from django.db import connections
    from django.test.signals import setting_changed

    before, name = settings._wrapped, os.environ["DJANGO_SETTINGS_MODULE"]
    for module in {"goby_site.settings", "tests.support.stack_settings", name}:
        del sys.modules[module]
    settings._wrapped = now = Settings(name)
    for connection in connections.all(initialized_only=True):
        del connections[connection.alias]  # it knows the database of the test process that asked first
    connections._settings = None  # type: ignore[attr-defined]
    connections.__dict__.pop("settings", None)
    for setting in dir(now):
        if setting.isupper() and getattr(now, setting) != getattr(before, setting, None) and setting != "DATABASES":
            setting_changed.send(sender=Settings, setting=setting, value=getattr(now, setting), enter=True)
