"""Django's settings. What differs between installations comes from the environment; the README lists the names."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from environs import Env, EnvError

from goby_site import paths
from goby_site.logs import logging_config
from goby_site.web.proxies import Proxies
from scripting.conf import configure

BASE_DIR = paths.BASE_DIR
try:
    VAR_DIR = paths.var_dir()
except OSError as problem:
    raise ImproperlyConfigured(f"the folder of this site's data (GOBY_VAR) cannot be used: {problem}") from None
ESCAPES = "in its password write %2F for /, %23 for #, %3F for ? and %40 for @"

env = Env()
try:
    DEBUG = env.bool("DEBUG", False)
    GOBY_DEMO = env.bool("GOBY_DEMO", False)
    GOBY_HTTPS = env.bool("GOBY_HTTPS", not GOBY_DEMO)
    GOBY_SESSION_HOURS = env.int("GOBY_SESSION_HOURS", 24 * 14 if GOBY_DEMO else 12)
    GOBY_QUEUES = env.bool("GOBY_QUEUES", GOBY_DEMO)
    WARGAME_PUBLIC = env.bool("WARGAME_PUBLIC", GOBY_DEMO)
    WARGAME_TICK_SECONDS = env.float("WARGAME_TICK_SECONDS", 2.0)
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
    GOBY_POOLED = env.bool("GOBY_POOLED", False)
    GOBY_PROXIES = Proxies(env.list("GOBY_PROXIES", []))
    CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
    LOG_FORMAT = env.str("LOG_FORMAT", "plain")
    LOG_LEVEL = env.log_level("LOG_LEVEL", logging.INFO)
    TIME_ZONE = env.str("TIME_ZONE", "UTC")
    _database = env.dj_db_url("DATABASE_URL", f"sqlite:///{quote(str(VAR_DIR / 'goby.sqlite3'))}")
    _replica = env.dj_db_url("GOBY_REPLICA_URL", "") if os.environ.get("GOBY_REPLICA_URL") else None
except (EnvError, ValueError) as problem:
    hint = f" If it is one, {ESCAPES}." if "database URL" in str(problem) else ""
    raise ImproperlyConfigured(f"the environment has a value that Goby cannot use: {problem}{hint}") from None
if LOG_FORMAT not in {"plain", "json"}:
    raise ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}: write plain or json")

REDIS_URL = paths.redis_url()
if not paths.is_whole_url(REDIS_URL):
    raise ImproperlyConfigured(f"REDIS_URL cannot be read: its port is a number, and {ESCAPES}")
for name, address in (
    ("DATABASE_URL", str(_database.get("HOST") or "")),
    ("REDIS_URL", urlsplit(REDIS_URL).hostname or ""),
):
    if not os.environ.get("SECRET_KEY") and not paths.is_local(address):
        raise ImproperlyConfigured(
            f"{name} names another host ({address}), so several hosts may be this site, and SECRET_KEY is not set: set the same one on each. "
            f"If this site ran without, it is the text of {VAR_DIR / 'secret-key'}"
        )
for name in ("SECRET_KEY", "SCRIPTING_METRICS_TOKEN"):
    if os.environ.get(name) == "CHANGE-ME":
        raise ImproperlyConfigured(
            f"{name} is what the example file says, which everybody knows. Make one: "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"
        )
SECRET_KEY = os.environ.get("SECRET_KEY") or paths.secret_file("secret-key")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.simple_history",
    "django.contrib.admin.apps.SimpleAdminConfig",  # its pages are loaded by goby_site.urls: workers need none
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "django_rq",
    "simple_history",
    "scripting.apps.ScriptingConfig",
    "wargame.apps.WargameConfig",
    "goby_site.apps.GobySiteConfig",
]

MIDDLEWARE = [
    "goby_site.web.request_ids.RequestIds",
    "goby_site.web.health.Probes",
    "django.middleware.security.SecurityMiddleware",
    "goby_site.web.content_security.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "goby_site.accounts.demo_guard.DemoLoginsFromHereOnly",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "scripting.insight.replica.WhoActs",
    "goby_site.web.one_thread.in_one_thread",
]

ROOT_URLCONF = "goby_site.urls"
ASGI_APPLICATION = "goby_site.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [paths.TEMPLATES],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.filesystem.Loader", "goby_site.web.queue_templates.QueueTemplates"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    }
]


def database(parsed: dict[str, Any]) -> dict[str, Any]:
    """The connection settings of a parsed DATABASE_URL, with what SQLite needs to serve several processes."""
    engine = parsed["ENGINE"].rsplit(".", 1)[-1]
    if engine == "postgresql":
        # A pooler in transaction mode would lose a cursor that the server keeps between statements.
        return parsed | {"CONN_HEALTH_CHECKS": True, "DISABLE_SERVER_SIDE_CURSORS": GOBY_POOLED}
    if engine != "sqlite3":
        raise ImproperlyConfigured(f"DATABASE_URL names {engine}: Goby runs on sqlite:/// and postgresql://")
    return parsed | {
        "OPTIONS": {
            # A write transaction takes its lock when it begins: one that began by reading could not wait for it later.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # Every 64 MB the log is copied into the database and both wait for the disk, and commits meanwhile: pages that change all the time
            # are copied less often than at 4 MB, as would be usual.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32000; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=16000;",
        }
    }


DATABASES = {"default": database(dict(_database))}
if _replica:
    SCRIPTING_PAGES_DATABASE = "replica"
    DATABASES["replica"] = database(dict(_replica))
    if "postgresql" in _replica["ENGINE"]:
        DATABASES["replica"]["OPTIONS"] = {"connect_timeout": 2, **_replica.get("OPTIONS", {})}

RQ_QUEUES = {"default": {"URL": REDIS_URL, "SERIALIZER": "rq.serializers.JSONSerializer", "DEFAULT_TIMEOUT": 60}}
RQ_SHOW_ADMIN_LINK = False

AUTHENTICATION_BACKENDS = ["goby_site.accounts.demo.DemoAwareBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "/"

SESSION_ENGINE = "goby_site.accounts.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = GOBY_HTTPS
SESSION_COOKIE_AGE = GOBY_SESSION_HOURS * 3600
CSRF_FAILURE_VIEW = "scripting.endpoints.csrf_failure"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if GOBY_HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [NONCE],  # not even a file of ours runs unless its tag was written by a template of ours
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.AppDirectoriesFinder"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
DATETIME_FORMAT = "Y-m-d H:i:s"
DATE_FORMAT = "Y-m-d"

UNFOLD = {
    "SITE_TITLE": "Goby",
    "SITE_HEADER": "Goby",
    "SITE_SUBHEADER": "rules that live in scripts",
    "SITE_ICON": lambda _request: static("scripting/icon.svg"),
    "SITE_URL": "/",
    "SHOW_HISTORY": True,
    # The theme writes its colours as an inline style, which the policy refuses: they are in a file of ours instead.
    "COLORS": lambda _request: {},
    "STYLES": [
        "scripting.insight.menu.palette",
        "scripting.insight.menu.stylesheet",
        lambda _request: static("goby_site/theme.css"),
    ],
    "SCRIPTS": [lambda _request: static("goby_site/admin.js")],
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("scripting/icon.svg")},
    ],
    "DASHBOARD_CALLBACK": "scripting.admin.overview.dashboard",
    "SIDEBAR": {"navigation": "goby_site.web.navigation.navigation"},
}

LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logging_config(LOG_FORMAT, LOG_LEVEL)

if GOBY_DEMO and not os.environ.get("SCRIPTING_METRICS_NETWORKS"):
    SCRIPTING_METRICS_NETWORKS = "127.0.0.0/8, ::1/128"
SCRIPTING_RECEIPTS_DIR = Path(os.environ.get("SCRIPTING_RECEIPTS_DIR") or VAR_DIR / "receipts")
SCRIPTING_GIT_DIR = Path(os.environ.get("SCRIPTING_GIT_DIR") or VAR_DIR / "git")
try:
    configure(globals(), redis_url=REDIS_URL)
except ValueError as problem:
    raise ImproperlyConfigured(f"the environment has a value that Goby cannot use: {problem}") from None
