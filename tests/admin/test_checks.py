"""System checks: each fault of the surroundings has an id and says what to do."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.urls import URLPattern, include
from django.urls import path as url

from goby_site.paths import BASE_DIR
from scripting import checks
from scripting.endpoints import EndpointView
from scripting.modules.installed import modules
from scripting.modules.scriptable import ModuleSchedule, ModuleScriptConfig
from scripting.workbench.checks import check_endpoints
from tests.support.game import Game


def ids(**kwargs: Any) -> list[str]:
    found = [message for message in run_checks(**kwargs) if str(message.id).startswith("scripting.")]
    assert all(message.hint for message in found)
    return [str(message.id) for message in found]


def test_a_game_that_ships_what_it_runs_passes(game: Game) -> None:
    game.ship("dice")
    assert ids() == []


def test_a_handler_for_a_script_that_no_default_ships_is_warned_of(game: Game) -> None:
    assert ids() == ["scripting.W001", "scripting.W001"]


@pytest.mark.parametrize(
    ("schedule", "id_", "words"),
    [
        ({"cron": "0 25 * * *", "script": "dice"}, "scripting.W014", "25"),
        ({"seconds": 30, "zone": "Mars", "script": "dice"}, "scripting.W014", "Mars"),
        ({"seconds": 30, "topic": "chess_club.nothing"}, "scripting.W014", "there is no topic 'chess_club.nothing'"),
        ({"seconds": 30, "script": "nobody"}, "scripting.W001", "runs nobody on its schedule night"),
    ],
)
def test_a_schedule_of_the_code_that_cannot_be_kept_is_warned_of(
    game: Game, monkeypatch: pytest.MonkeyPatch, schedule: dict[str, Any], id_: str, words: str
) -> None:
    game.ship("dice")
    module = modules.get("chess_club")
    config = ModuleScriptConfig(schedules=(ModuleSchedule("night", **schedule),))
    monkeypatch.setattr(type(module), "config", config)
    (found,) = [each for each in run_checks() if str(each.id).startswith("scripting.")]
    assert (found.id, words in found.msg) == (id_, True), found.msg


def test_endpoints_of_two_modules_at_one_address_are_an_error(game: Game, settings: Any) -> None:
    game.ship("dice")
    urls = ModuleType("two_at_one_address")

    def endpoint(module: str) -> URLPattern:
        return url("roll", EndpointView.as_view(module_name=module, endpoint="/roll", script="dice"))

    urls.urlpatterns = [  # type: ignore[attr-defined]
        url("games/", include([endpoint("chess_club"), endpoint("chess_club")])),
        url("games/", include([endpoint("tavern")])),
        url("tavern/", include([endpoint("tavern")])),
    ]
    settings.ROOT_URLCONF = urls
    (found,) = check_endpoints(None)
    assert (found.id, found.msg) == (
        "scripting.E018",
        "/games/roll is an endpoint of chess_club and of tavern: only chess_club answers there",
    )


@pytest.mark.parametrize(
    ("setting", "value", "id_"),
    [
        ("SCRIPT_MAX_EXECUTION_TIME", -1, "scripting.E001"),
        ("HOT_RELOAD_SCRIPTS", "maybe", "scripting.E001"),
        ("SCRIPTING_REDIS_URL", "", "scripting.E006"),
        ("SCRIPTING_REDIS_URL", "http://example.test", "scripting.E006"),
        ("SCRIPTING_REDIS_URL", "redis://:open/sesame@127.0.0.1:6379/0", "scripting.E006"),
        ("SCRIPTING_REDIS_URL", "redis://:open#sesame@127.0.0.1:6379/0", "scripting.E006"),
        ("SCRIPTING_REDIS_URL", "redis://:open:[sesame@127.0.0.1:6379/0", "scripting.E006"),
    ],
)
def test_an_odd_setting_is_an_error(game: Game, settings: Any, setting: str, value: Any, id_: str) -> None:
    game.ship("dice")
    setattr(settings, setting, value)
    assert ids() == [id_]


@pytest.mark.parametrize("address", ["http://:sesame@example.test", "redis://:sesame/2@127.0.0.1:6379/0"])
def test_an_address_of_redis_is_told_without_its_password(settings: Any, address: str) -> None:
    settings.SCRIPTING_REDIS_URL = address
    (found,) = checks.check_redis(None)
    assert "sesame" not in f"{found.msg} {found.hint}"


def test_a_linked_scripts_folder_is_an_error(game: Game, tmp_path: Path) -> None:
    game.ship("dice")
    game.scripts.symlink_to(tmp_path)
    assert ids() == ["scripting.E002"]


def test_a_file_in_place_of_the_scripts_folder_is_an_error(game: Game) -> None:
    game.ship("dice")
    game.scripts.write_text("")
    assert ids() == ["scripting.E002"]


def test_a_scripts_folder_that_may_not_be_looked_at_is_an_error(game: Game, monkeypatch: pytest.MonkeyPatch) -> None:
    game.ship("dice")

    def refused(path: Path) -> bool:  # root, as which tests run, may look at everything
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_symlink", refused)
    assert ids() == ["scripting.E002"]


def test_sqlite_without_write_ahead_log_is_warned_of(game: Game, settings: Any) -> None:
    game.ship("dice")
    plain = {"ENGINE": "django.db.backends.sqlite3", "NAME": "x.sqlite3", "OPTIONS": {}}
    settings.DATABASES = {**settings.DATABASES, "plain": plain}
    from scripting.checks import check_database

    assert [m.id for m in check_database(None, databases=["plain"])] == ["scripting.W002", "scripting.W003"]
    settings.DATABASES = {"memory": {**plain, "NAME": ":memory:"}}
    assert "scripting.E007" in [m.id for m in check_database(None, databases=["memory"])]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no such bound")
@pytest.mark.django_db
def test_more_processes_than_postgresql_has_connections_for_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.check_connections(None, databases=["default"]) == []
    monkeypatch.setattr(checks.members, "everyone", lambda _scripts: list(range(500)))
    (message,) = checks.check_connections(None, databases=["default"])
    assert message.id == "scripting.W007"
    assert "500 processes can ask for 1501 connections" in message.msg


def test_traces_without_what_makes_them_are_warned_of(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SCRIPTING_TRACING = True
    assert checks.check_tracing(None) == []
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    (message,) = checks.check_tracing(None)
    assert (message.id, "goby[otel]" in str(message.hint)) == ("scripting.W009", True)
    settings.SCRIPTING_TRACING = False
    assert checks.check_tracing(None) == []


ID = re.compile(r"(?:scripting|goby_site)\.[EW]\d{3}")


def test_each_id_is_of_one_check_and_the_docs_say_what_it_means() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in (BASE_DIR / "docs").glob("*.md"))
    checks_of: dict[str, set[str]] = {}
    for path in (*BASE_DIR.glob("scripting/**/checks.py"), *BASE_DIR.glob("goby_site/**/checks.py")):
        for function in ast.parse(path.read_text(encoding="utf-8")).body:
            for node in ast.walk(function):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and ID.fullmatch(node.value):
                    checks_of.setdefault(node.value, set()).add(f"{path}: {getattr(function, 'name', '')}")
    assert len(checks_of) > 20
    assert not {name: found for name, found in checks_of.items() if len(found) > 1}
    missing = {name for name in checks_of if f"`{name}`" not in pages and f"`{name.rpartition('.')[2]}`" not in pages}
    assert not missing
