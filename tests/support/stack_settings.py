"""Settings of a whole stack that a test runs: the site's own, with static files as they are in the source and a quick database."""

from __future__ import annotations

from goby_site.settings import *  # noqa: F403
from goby_site.settings import DATABASES, STORAGES

# No collected static files in a test: pages name the files as they are in the source.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600  # nobody changes a file meanwhile: a page does not ask for its forty files again
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# A test's data outlives a killed process, not a power cut: nothing waits for the disk.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    _options = DATABASES["default"]["OPTIONS"]
    _options["init_command"] += " PRAGMA synchronous=OFF;"
