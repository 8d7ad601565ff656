"""A site has these once, however many hosts it has: preparing, roles, and what `check --deploy` says of its settings."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management.base import CommandError
from django.db import connection
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.test import Client

from goby_site import waiting
from goby_site.once import one_prepares
from goby_site.paths import BASE_DIR
from tests.support import forked
from tests.support.processes import child_environment
from tests.workers.processes import wait_for


@pytest.mark.django_db(transaction=True)
def test_of_two_that_prepare_a_site_at_once_the_second_waits_for_the_first() -> None:
    done, waits = list[str](), threading.Event()

    def second() -> None:
        try:
            with one_prepares(waits.set):
                done.append("second")
        finally:
            connection.close()

    other = threading.Thread(target=second)
    with one_prepares(lambda: None):
        other.start()
        assert waits.wait(20)
        done.append("first")
    other.join(20)
    assert done == ["first", "second"]


@pytest.mark.slow
@pytest.mark.once
def test_a_new_site_is_prepared_by_two_processes_at_once_and_has_its_roles_without_the_demo(tmp_path: Path) -> None:
    database = tmp_path / "site.sqlite3"
    environment = child_environment(GOBY_VAR=str(tmp_path), DATABASE_URL=f"sqlite:///{database}", GOBY_DEMO="false")
    log = tmp_path / "said"
    with log.open("ab") as output:
        both = [
            forked.start(
                "manage.py",
                "prepare",
                umask=0o022,
                environment=environment,
                stdout=output,
                stderr=output,
                new_session=True,
            )
            for _ in range(2)
        ]
        assert [process.wait(300) for process in both] == [0, 0], log.read_text()
    log.unlink()
    with closing(sqlite3.connect(database)) as opened:
        groups = {name for (name,) in opened.execute("SELECT name FROM auth_group")}
        users = opened.execute("SELECT count(*) FROM auth_user").fetchone()
    open_to_others = [str(path) for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
    assert open_to_others == [], "everything under var/ is its owner's"
    assert {"viewer", "designer", "admin"} <= groups
    assert users == (0,)


def tables_of(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as opened:
        return {name for (name,) in opened.execute("SELECT name FROM sqlite_master")}


def tables_without_their_note(database: Path) -> bool:
    """Whether a migration has made tables that Django does not know of: it would try to make them again."""
    with closing(sqlite3.connect(database)) as opened:
        apps = {app for (app,) in opened.execute("SELECT DISTINCT app FROM django_migrations")}
    return bool({name.partition("_")[0] for name in tables_of(database)} & {"auth", "scripting", "wargame"} - apps)


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_preparing_that_is_asked_to_end_does_so_between_two_migrations_and_can_be_begun_again(
    tmp_path: Path, number: signal.Signals
) -> None:
    database = tmp_path / "site.sqlite3"
    environment = child_environment(GOBY_VAR=str(tmp_path), DATABASE_URL=f"sqlite:///{database}", GOBY_DEMO="false")
    begun = subprocess.Popen(
        [sys.executable, "manage.py", "prepare"], cwd=BASE_DIR, env=environment, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: database.exists() and "django_migrations" in tables_of(database))
    begun.send_signal(number)
    _, said = begun.communicate(timeout=120)
    assert begun.returncode == -number
    assert said == "Ending after the migration in hand; ask once more to end at once …\n"
    assert not tables_without_their_note(database)
    again = subprocess.run([sys.executable, "manage.py", "prepare"], cwd=BASE_DIR, env=environment, check=False)
    assert again.returncode == 0


@pytest.mark.once
@pytest.mark.django_db
def test_preparing_says_which_database_it_cannot_reach_and_waits_for_it_where_it_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, said = tmp_path / "mounted late", list[str]()
    late = DatabaseWrapper(connection.copy().settings_dict | {"NAME": str(folder / "site.sqlite3"), "OPTIONS": {}})
    with pytest.raises(CommandError, match=r"^DATABASE_URL names a database that cannot be reached: unable to open"):
        waiting.reach(late, said.append, wait=False)
    assert said == []
    looks = iter((lambda: None, folder.mkdir))
    monkeypatch.setattr("time.sleep", lambda _: next(looks)())
    waiting.reach(late, said.append, wait=True)
    assert late.is_usable()
    assert [text.splitlines()[-1] for text in said] == ["Trying again until it can be …"]
    late.close()


def test_check_deploy_names_the_settings_that_are_for_ones_own_machine(settings: Any) -> None:
    settings.ALLOWED_HOSTS, settings.GOBY_DEMO, settings.GOBY_HTTPS, settings.WARGAME_PUBLIC = ["*"], True, False, True
    assert deployment() == ["goby_site.W001", "goby_site.W002", "goby_site.W003", "goby_site.W004"]
    settings.ALLOWED_HOSTS, settings.GOBY_DEMO, settings.GOBY_HTTPS = ["goby.example"], False, True
    settings.WARGAME_PUBLIC = False
    assert deployment() == []


def deployment() -> list[str | None]:
    found = run_checks(tags=["security"], include_deployment_checks=True)
    return sorted(message.id for message in found if (message.id or "").startswith("goby_site."))


@pytest.mark.django_db
def test_over_tls_browsers_are_told_to_insist_on_it_and_no_other_site_learns_an_address(
    settings: Any, client: Client
) -> None:
    settings.SECURE_HSTS_SECONDS = 3600
    answer = client.get("/admin/login/", secure=True)
    assert answer.headers["Strict-Transport-Security"] == "max-age=3600"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert settings.SESSION_COOKIE_HTTPONLY
