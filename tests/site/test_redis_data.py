"""The data of Redis when the power fails, and when another server takes over."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from goby_site.paths import BASE_DIR, private_dir
from goby_site.stack.redis_data import mend, newest_file, whole_bytes
from goby_site.stack.redis_server import redis_server_binary
from tests.support import migrated
from tests.support.processes import child_environment, free_port
from tests.support.redis import RedisServer

OF_REDIS_6 = Path(__file__).with_name("data") / "redis-6.2-appendonly.aof"
"""As Redis 6.2 wrote it: three entries, two of them pending in a group, a snapshot of these, then a fourth and a list."""

TORN = {"zeros": bytes(600), "half a command": b"*3\r\n$3\r\nSET\r\n$5\r\nhal", "noise": b"\x8f\x00*1\r\n\xff" * 50}


@contextmanager
def running(folder: Path) -> Iterator[redis.Redis]:
    """A server on that data."""
    server = RedisServer(folder)
    try:
        yield server.client()
    finally:
        server.stop()


def damaged(folder: Path, end: bytes) -> Path:
    """The data of a server that kept one value, with `end` behind it; the file that it is in."""
    with running(folder) as client:
        client.set("kept", "yes")
    path = newest_file(folder)
    assert path is not None
    with path.open("ab") as file:
        file.write(end)
    return path


@pytest.mark.parametrize("end", TORN.values(), ids=TORN)
def test_what_a_power_cut_has_torn_is_kept_beside_and_the_rest_is_served(tmp_path: Path, end: bytes) -> None:
    path = damaged(tmp_path, end)
    cut_off = mend(tmp_path, redis_server_binary(tmp_path))
    assert cut_off is not None
    assert (cut_off.path, cut_off.cut) == (path, len(end))
    assert cut_off.aside.read_bytes() == end
    assert cut_off.aside.stat().st_mode & 0o777 == 0o600
    with running(tmp_path) as client:
        assert client.get("kept") == b"yes"


def test_whole_data_and_no_data_are_left_alone(tmp_path: Path) -> None:
    server = redis_server_binary()
    assert mend(tmp_path, server) is None
    path = damaged(tmp_path, b"")
    before = path.read_bytes()
    assert mend(tmp_path, server) is None
    assert path.read_bytes() == before
    path.write_bytes(b"")
    assert mend(tmp_path, server) is None


def test_data_that_the_checker_cannot_judge_is_left_to_redis(tmp_path: Path) -> None:
    text = OF_REDIS_6.read_bytes()
    (tmp_path / "appendonly.aof").write_bytes(text[:60] + b"\xff\xff\xff" + text[63:])  # inside the snapshot
    before = (tmp_path / "appendonly.aof").read_bytes()
    assert mend(tmp_path, redis_server_binary()) is None
    assert (tmp_path / "appendonly.aof").read_bytes() == before
    assert whole_bytes(tmp_path / "appendonly.aof", Path("/bin/true")) is None


@pytest.mark.parametrize("end", [b"", bytes(600)], ids=["whole", "torn"])
def test_the_data_of_redis_6_lives_on_under_a_newer_server(tmp_path: Path, end: bytes) -> None:
    (tmp_path / "appendonly.aof").write_bytes(OF_REDIS_6.read_bytes() + end)
    assert (mend(tmp_path, redis_server_binary()) is not None) == bool(end)
    for _start in ("first", "second"):
        with running(tmp_path) as client:
            entries = [fields[b"e"] for _id, fields in client.xrange("goby:test:events")]
            assert entries == [b"before 0", b"before 1", b"before 2", b"after 3"]
            assert client.xpending("goby:test:events", "drain")["pending"] == 2
            assert client.lrange("rq:queue:scripts", 0, -1) == [b"1"]
            assert (client.get("goby:generation"), client.hgetall("rq:job:1")) == (b"7", {b"status": b"queued"})


def test_a_rewrite_leaves_commands_that_any_server_reads(tmp_path: Path) -> None:
    shutil.copy(OF_REDIS_6, tmp_path / "appendonly.aof")
    with running(tmp_path) as client:
        client.bgrewriteaof()
        while (
            client.info("persistence")["aof_rewrite_in_progress"] or client.info("persistence")["aof_rewrite_scheduled"]
        ):
            pass
    files = sorted(path for path in (tmp_path / "appendonlydir").iterdir() if path.suffix in {".aof", ".rdb"})
    assert {path.read_bytes()[:1] for path in files} <= {b"*", b""}
    with running(tmp_path) as client:
        assert client.xpending("goby:test:events", "drain")["pending"] == 2


@pytest.mark.e2e
def test_data_that_cannot_be_read_is_named_with_the_servers_own_reason(tmp_path: Path) -> None:
    var = private_dir(tmp_path / "var")
    migrated.copy_file(var / "goby.sqlite3")  # what is not asked about here takes seconds
    (var / "redis").mkdir(mode=0o700)
    text = OF_REDIS_6.read_bytes()
    (var / "redis" / "appendonly.aof").write_bytes(text[:60] + b"\xff\xff\xff" + text[63:])
    answer = subprocess.run(
        [sys.executable, "-m", "goby_site.stack"],
        cwd=BASE_DIR,
        env=child_environment(
            GOBY_VAR=str(var), DATABASE_URL=f"sqlite:///{var}/goby.sqlite3", PORT=str(free_port()), REDIS_URL=""
        ),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert answer.returncode == 1
    assert f"Redis does not answer; see {var}/log/redis.log, or REDIS_URL. It said: " in answer.stderr
