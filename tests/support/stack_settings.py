"""Settings of a whole stack that a test runs: the site's own, with static files as they are in the source."""

from __future__ import annotations

from goby_site.settings import *  # noqa: F403
from goby_site.settings import STORAGES

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
