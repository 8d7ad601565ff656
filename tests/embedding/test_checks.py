"""A project that lacks something is told by a system check, with an id and a hint; a whole one is told nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.processes import child_environment

pytestmark = pytest.mark.slow

PROGRAM = """
import gc, json, os, sys, types, django
gc.disable()  # each child ends soon
# Long to load, and no part of what is tried:
import channels.routing, channels_redis.core, croniter, dateutil.rrule, django.contrib.postgres.fields
import django.contrib.auth.apps, django.core.handlers.asgi, django.db.backends.sqlite3.base, django.test
import prometheus_client, pydantic.main, pydantic.networks, pydantic.types, redis.asyncio, rq, simple_history.models
import unfold.dataclasses, unfold.sections, unittest.mock, xml.etree.ElementTree
import scripting.client.beside, scripting.client.syncing, scripting.evidence.play_tally, scripting.evidence.time_limit
import scripting.execution.admission, scripting.execution.comparison, scripting.execution.running
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
    "SCRIPTING_SCRIPTS_DIR": sys.argv[1], "TEMPLATES": [], "MIDDLEWARE": [],
    "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "unused"}},
}
urls = Urls("studio_urls")
urls.patterns = ['path("office/", admin.site.urls)', 'path("rules/", include("scripting.urls"))']
sys.modules["studio_urls"] = urls

def check(change):
    before, after = change.split("#") if "#" in change else ("", change)
    exec(before, globals())
    configure(site, redis_url="redis://127.0.0.1:1/0")
    exec(after, globals())
    settings.configure(**site)
    django.setup()
    for found in run_checks(tags=["scripting", "scripting_pages"]):
        assert found.hint
        print("found", found.id, flush=True)

for change in json.load(sys.stdin):
    print("project", json.dumps(change), flush=True)
    child = os.fork()
    if not child:
        check(change)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, change
"""
"""Each project is made in a fork: Django is set up once in a process, and is loaded once for all."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The checks' findings in each project, changed so before `#` ahead of `configure` and behind it."""
    environment = child_environment()
    for name in ("DJANGO_SETTINGS_MODULE", "REDIS_URL"):
        environment.pop(name)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path_factory.mktemp("scripts"))],
        input=json.dumps(list(MISSING)),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        kind, _, what = line.partition(" ")
        if kind == "project":
            told[change := json.loads(what)] = []
        else:
            told[change].append(what)
    return told


MISSING = {
    "": [],
    'site["RQ_QUEUES"] = {"scripting": {"URL": "redis://127.0.0.1"}} #': ["scripting.E008"],  # RQ's own serializer
    'del site["RQ_QUEUES"]': ["scripting.E008"],
    'del site["CHANNEL_LAYERS"]': ["scripting.E009"],
    'site["CHANNEL_LAYERS"] = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}} #': ["scripting.E009"],
    'site["CHANNEL_LAYERS"]["default"]["BACKEND"] = "channels_redis.pubsub.RedisPubSubChannelLayer"': [
        "scripting.W011"
    ],
    'site["CHANNEL_LAYERS"]["default"] = {"BACKEND": "channels_redis.core.RedisChannelLayer"}': ["scripting.W011"],
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
def test_what_a_project_lacks_is_named(change: str, found: dict[str, list[str]]) -> None:
    assert sorted(one for one in found[change] if one not in SQLITE) == MISSING[change]


SQLITE = {"scripting.W002", "scripting.W003"}
