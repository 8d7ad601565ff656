"""The site's settings for benchmarks that ask for its pages: static files as they are in the source."""

from goby_site.settings import *  # noqa: F403
from goby_site.settings import STORAGES

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
