"""A project that lacks something is told by a system check, with an id and a hint; a whole one is told nothing."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from tests.support.processes import child_environment

pytestmark = pytest.mark.slow

PROGRAM = """
import sys, types, django
from django.conf import settings
from django.contrib import admin
from django.core.checks import run_checks
from django.urls import include, path
from scripting.conf import configure

def pages():
    from django.contrib import admin
    return [path("office/", admin.site.urls), path("rules/", include("scripting.urls"))]

class Urls(types.ModuleType):
    @property
    def urlpatterns(self):
        return [eval(text) if isinstance(text, str) else text for text in self.patterns]

CONTRIB = ["admin", "auth", "contenttypes", "sessions", "messages", "staticfiles"]
site = {
    "INSTALLED_APPS": [f"django.contrib.{name}" for name in CONTRIB],
    "SECRET_KEY": "x", "USE_TZ": True, "ROOT_URLCONF": "studio_urls", "STATIC_URL": "/static/",
    "SCRIPTING_SCRIPTS_DIR": sys.argv[2], "TEMPLATES": [], "MIDDLEWARE": [],
    "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "unused"}},
}
urls = Urls("studio_urls")
urls.patterns = ['path("office/", admin.site.urls)', 'path("rules/", include("scripting.urls"))']
sys.modules["studio_urls"] = urls
before, after = sys.argv[1].split("#") if "#" in sys.argv[1] else ("", sys.argv[1])
exec(before)
configure(site, redis_url="redis://127.0.0.1:1/0")
exec(after)
settings.configure(**site)
django.setup()
for found in run_checks(tags=["scripting", "scripting_pages"]):
    assert found.hint
    print(found.id)
"""


def ids(change: str, folder: Any) -> list[str]:
    """What the checks say of a project that was changed so, before `#` ahead of `configure` and behind it."""
    environment = child_environment()
    for name in ("DJANGO_SETTINGS_MODULE", "REDIS_URL"):
        environment.pop(name)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, change, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


MISSING = {
    "": [],
    'site["RQ_QUEUES"] = {"scripting": {"URL": "redis://127.0.0.1"}} #': ["scripting.E008"],  # RQ's own serializer
    'del site["RQ_QUEUES"]': ["scripting.E008"],
    'del site["CHANNEL_LAYERS"]': ["scripting.E009"],
    'site["CHANNEL_LAYERS"] = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}} #': ["scripting.E009"],
    "del urls.patterns[1]": ["scripting.W005"],
    "del urls.patterns[0]": ["scripting.E010", "scripting.W006"],
    'site["INSTALLED_APPS"].remove("django.contrib.admin"); del urls.patterns[0] #': [
        "scripting.E010",
        "scripting.W006",
    ],
    'site["INSTALLED_APPS"][0] = "django.contrib.admin.apps.SimpleAdminConfig" #': [
        "scripting.E010"
    ],  # nothing registers
    'urls.patterns[0] = \'path("office/", admin.AdminSite("office").urls)\'': ["scripting.E010"],
    'site["INSTALLED_APPS"].remove("unfold.apps.BasicAppConfig")': ["scripting.E011"],
    'site["INSTALLED_APPS"].append("unfold") #': ["scripting.E012"],
    'site["INSTALLED_APPS"].insert(0, "unfold") #': [],  # the theme on every page
    'site["INSTALLED_APPS"].insert(0, "unfold.apps.BasicAppConfig") #': ["scripting.E012"],
    'site["INSTALLED_APPS"].remove("simple_history")': ["scripting.E013"],
    'site["STATICFILES_FINDERS"].pop()': ["scripting.E014"],
    'sys.modules["django_ace"] = None': ["scripting.E014"],
    'sys.modules["prometheus_client"] = None': ["scripting.E014"],
    'site["LOGIN_URL"] = "/nowhere/" #': ["scripting.W006"],
}


@pytest.mark.parametrize("change", MISSING)
def test_what_a_project_lacks_is_named(change: str, tmp_path: Any) -> None:
    assert sorted(found for found in ids(change, tmp_path) if found not in SQLITE) == MISSING[change]


SQLITE = {"scripting.W002", "scripting.W003"}
