"""Settings of the worker processes of these tests: with the track, and a database whose lock is not waited for long."""

from __future__ import annotations

import os

from tests.support.stack_settings import *  # noqa: F403
from tests.support.stack_settings import DATABASES, INSTALLED_APPS
from tests.workers.stacks import listen

INSTALLED_APPS = [*INSTALLED_APPS, "tests.workers.apps.TrackConfig"]
if "timeout" in DATABASES["default"].get("OPTIONS", {}):
    DATABASES["default"]["OPTIONS"]["timeout"] = 1
    DATABASES["default"]["OPTIONS"]["init_command"] += os.environ.get("TRACK_PRAGMA", "")

listen()
