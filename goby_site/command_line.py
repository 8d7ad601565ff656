"""Runs the management commands. A setting that nobody can use is told in one line, as the command line tells every other mistake."""

from __future__ import annotations

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "goby_site.settings")
    try:
        settings.INSTALLED_APPS  # noqa: B018 - loads them
    except ImproperlyConfigured as problem:
        sys.exit(str(problem))
    execute_from_command_line(sys.argv)
