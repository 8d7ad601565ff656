"""The site's settings: odd values are refused by name, and what differs between installations arrives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from goby_site.paths import BASE_DIR
from tests.support.commands import Forks

PRINT = """
import json
from goby_site import settings as s
print(json.dumps([s.DATABASES["default"], s.REDIS_URL, s.SESSION_COOKIE_SECURE, s.DEBUG, s.GOBY_DEMO], default=str))
"""
BEGINNING = """
import os, traceback
# Packages that the settings load; nothing of the site itself, which looks at the environment.
import csp.constants, django.templatetags.static, dj_database_url, environs, msgspec, structlog

def foresee(asked):
    pass

def begin(asked):
    text, environment = asked
    os.environ.clear()
    os.environ.update(environment)
    try:
        exec(text, {"__name__": "__main__"})
        status = 0
    except Exception:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
"""


PARENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(BASE_DIR)}
TEXTS = Forks(BASE_DIR, PARENT, Path(sys.executable), BEGINNING)
"""Runs a text in an environment, as if its process had begun with that."""


@pytest.fixture(scope="module", autouse=True)
def no_process_left() -> Iterator[None]:
    yield
    TEXTS.close()


def load(folder: Path, text: str = PRINT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process that has nothing but this environment."""
    return TEXTS.ask([text, PARENT | {"GOBY_VAR": str(folder)} | environment])


def values(folder: Path, **environment: str) -> list[Any]:
    done = load(folder, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.slow
def test_without_an_environment_everything_is_under_var_and_safe(tmp_path: Path) -> None:
    database, redis_url, secure, debug, demo = values(tmp_path / "var")
    assert secure, "cookies and HSTS outside the demo"
    assert database["NAME"] == str(tmp_path / "var" / "goby.sqlite3")
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert redis_url.startswith("unix:///")
    assert (debug, demo) == (False, False)


@pytest.mark.slow
def test_database_url_moves_to_postgresql(tmp_path: Path) -> None:
    database = values(tmp_path, DATABASE_URL="postgresql://me:pw@db.example:5433/goby", SECRET_KEY="one for all")[0]
    assert (database["ENGINE"], database["HOST"], str(database["PORT"]), database["NAME"]) == (
        "django.db.backends.postgresql",
        "db.example",
        "5433",
        "goby",
    )


@pytest.mark.slow
def test_redis_url_and_https_are_taken(tmp_path: Path) -> None:
    _database, redis_url, secure, *_ = values(
        tmp_path, REDIS_URL="redis://cache.example:6379/2", GOBY_HTTPS="true", SECRET_KEY="one for all"
    )
    assert (redis_url, secure) == ("redis://cache.example:6379/2", True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "perhaps"),
        ("GOBY_DEMO", "2"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "LOUD"),
        ("DATABASE_URL", "mysql://root@localhost/goby"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "postgresql://me:pa/ss@db.example/goby"),
        ("REDIS_URL", "redis://me:pa/ss@10.0.0.7:6379/0"),
        ("REDIS_URL", "redis://me:12#ss@10.0.0.7:6379/0"),
        ("REDIS_URL", "redis://10.0.0.7:port/0"),
        ("GOBY_VAR", "/dev/null"),
        ("SCRIPT_MAX_EXECUTION_TIME", "soon"),
        ("SCRIPT_MAX_MEMORY_BYTES", "-1"),
        ("HOT_RELOAD_SCRIPTS", "often"),
        ("SCRIPTING_FALLBACK", "previous,luck"),
        ("SCRIPTING_REDIS_SENTINELS", "10.0.4.1:26379"),  # without REDIS_URL, which would name the master
    ],
)
def test_an_odd_value_is_refused_and_named(tmp_path: Path, name: str, value: str) -> None:
    done = load(tmp_path, **{name: value})
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured" in last
    assert name in last


@pytest.mark.slow
@pytest.mark.parametrize("name", ["REDIS_URL", "DATABASE_URL"])
def test_a_password_that_cuts_its_url_is_told_in_one_line_which_does_not_hold_it(tmp_path: Path, name: str) -> None:
    """The command line, as who wrote the environment sees it."""
    environment = {**PARENT, "GOBY_VAR": str(tmp_path), "SECRET_KEY": "one for all"}
    environment[name] = "redis://me:open/sesame@10.0.0.7:6379/0" if name == "REDIS_URL" else "postgresql://me:open/sesame@db/goby"  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "manage.py", "list_topics"],
        cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout, len(ran.stderr.splitlines())) == (1, "", 1), ran.stderr
    assert name in ran.stderr
    assert "%2F for /" in ran.stderr
    assert "open" not in ran.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value"),
    [("DATABASE_URL", "postgresql://me:pw@db.example/goby"), ("REDIS_URL", "redis://10.0.0.7:6379/0")],
)
def test_a_site_that_may_have_several_hosts_does_not_start_without_a_secret_key_for_all(
    tmp_path: Path, name: str, value: str
) -> None:
    done = load(tmp_path, **{name: value})
    assert done.returncode != 0
    assert f"{name} names another host" in done.stderr
    assert not (tmp_path / "secret-key").exists()
    assert (
        load(tmp_path, **{name: value.replace("db.example", "127.0.0.1").replace("10.0.0.7", "localhost")}).returncode
        == 0
    )


@pytest.mark.slow
@pytest.mark.once
def test_a_secret_that_is_still_the_example_files_is_refused(tmp_path: Path) -> None:
    done = load(tmp_path, SECRET_KEY="CHANGE-ME")
    assert done.returncode != 0
    assert "SECRET_KEY is what the example file says" in done.stderr


@pytest.mark.slow
def test_outside_the_demo_cookies_need_tls_sessions_are_short_and_figures_and_queues_closed(tmp_path: Path) -> None:
    ask = (
        "from goby_site import settings as s; print(s.SESSION_COOKIE_SECURE and s.CSRF_COOKIE_SECURE, s.SECURE_HSTS_SECONDS > 0,"
        "s.SESSION_COOKIE_AGE // 3600, s.GOBY_QUEUES, bool(getattr(s, 'SCRIPTING_METRICS_NETWORKS', '')), s.SECURE_REFERRER_POLICY)"
    )

    def said(**environment: str) -> str:
        done = load(tmp_path, ask, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert said(GOBY_DEMO="true").split() == ["False", "False", "336", "True", "True", "same-origin"]
    assert said().split() == ["True", "True", "12", "False", "False", "same-origin"]
    opened = said(GOBY_SESSION_HOURS="1", GOBY_QUEUES="true", SCRIPTING_METRICS_NETWORKS="10.1.0.0/16")
    assert opened.split()[2:5] == ["1", "True", "True"]


@pytest.mark.slow
def test_the_secret_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    values(tmp_path / "var")
    path = tmp_path / "var" / "secret-key"
    first = path.read_text()
    values(tmp_path / "var")
    assert path.read_text() == first
    assert len(first) > 50
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.any_database
def test_the_test_database_is_a_file_or_a_server_that_child_processes_see() -> None:
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        assert "memory" not in database["TEST"]["NAME"]
        assert Path(database["TEST"]["NAME"]).is_absolute()
    else:
        assert database["HOST"]
