"""The site's settings, with the module that rests."""

from goby_site.settings import *  # noqa: F403
from goby_site.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks._resting.apps.RestingConfig"]
