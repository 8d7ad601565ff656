"""Redis as studios run it: a user with the commands that the deployment's list names and no others, and TLS."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import redis
from django.conf import settings

from goby_site.paths import BASE_DIR
from goby_site.stack.redis_server import redis_server_binary
from scripting.bus import publishing
from scripting.bus.publishing import Message
from scripting.models import Execution
from tests.support import redis_user
from tests.support.processes import free_port
from tests.support.redis import RedisServer
from tests.support.stack import wait_until
from tests.workers.processes import WorkerProcess, wait_for
from tests.workers.track import laps

pytestmark = [pytest.mark.usefixtures("track"), pytest.mark.alone, pytest.mark.once]


@pytest.fixture
def user_url(redis_server: RedisServer) -> Iterator[str]:
    """How the user reaches the server of the test."""
    client = redis_server.client()
    redis_user.make(client)
    yield settings.REDIS_URL.replace("unix://", f"unix://{redis_user.NAME}:{quote(redis_user.PASSWORD)}@")
    client.execute_command("ACL", "DELUSER", redis_user.NAME)


def test_a_worker_takes_events_as_a_user_that_may_do_what_the_list_names(
    tmp_path: Path, redis_server: RedisServer, user_url: str
) -> None:
    publish(20)
    with WorkerProcess(tmp_path, "guest", REDIS_URL=user_url) as worker:
        worker.takes_jobs()
        publish(20, 21)
        wait_for(lambda: Execution.objects.filter(status="succeeded").count() == 40, 60)
        worker.process.terminate()
        assert worker.process.wait(30) == 0
    assert laps() == {"guest": list(range(1, 41))}
    assert redis_user.refused(redis_server.client()) == []


def test_the_user_may_not_look_at_what_is_not_the_sites(redis_server: RedisServer, user_url: str) -> None:
    guest = redis.Redis.from_url(user_url)
    for command in (("GET", "another-sites:key"), ("FLUSHALL",), ("CONFIG", "SET", "maxmemory", "1"), ("KEYS", "*")):
        with pytest.raises(redis.exceptions.NoPermissionError):
            guest.execute_command(*command)
    guest.close()
    assert len(redis_user.refused(redis_server.client())) == 4


def test_a_worker_reaches_redis_by_tls_as_the_pages_files_and_commands_set_it_up(tmp_path: Path) -> None:
    port = free_port()
    authority = certificates_in(tmp_path)
    text = (redis_user.USERS.parent / "goby.conf").read_text()
    for theirs, ours in {"6380": str(port), "0.0.0.0": "127.0.0.1", "/etc/valkey": str(tmp_path)}.items():
        assert theirs in text
        text = text.replace(theirs, ours)
    (tmp_path / "goby.conf").write_text(f"dir {tmp_path}\n{text}")
    users = redis_user.USERS.read_text().replace(">ADMIN-PASSWORD", ">of-admin").replace(">PASSWORD", ">of-goby")
    binary = str(redis_server_binary())
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = re.findall(r"v=(\d+)\.(\d+)", said)[0]
    if (int(major), int(minor)) < redis_user.SETINFO:
        users = users.replace(" +client|setinfo", "")
    (tmp_path / "users.acl").write_text(users)
    with (tmp_path / "redis.log").open("wb") as log:
        server = subprocess.Popen([binary, str(tmp_path / "goby.conf")], stdout=log, stderr=log)
    at = f"localhost:{port}/0?ssl_ca_certs={quote(str(authority))}"
    url = f"rediss://goby:of-goby@{at}"
    client = redis.Redis.from_url(f"rediss://admin:of-admin@{at}")

    def answers() -> bool:
        if server.poll() is not None:
            pytest.skip("this redis-server was built without TLS")
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False

    try:
        wait_until(answers)
        with WorkerProcess(tmp_path, "afar", REDIS_URL=url) as worker:
            worker.takes_jobs()
            wait_for(lambda: any(key.startswith(b"goby:alive:afar") for key in client.scan_iter()))
            wait_for(lambda: client.smembers("rq:workers"), what="RQ has no part in it")
            wait_for(lambda: b"goby__group__scripting.changes" in client.pubsub_channels(), what="Channels has none")
        with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
            redis.Redis.from_url(f"rediss://localhost:{port}/0").ping()
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(f"rediss://{at}").ping()
        # As Python 3.13 does by itself.
        strict = ssl.create_default_context(cafile=str(authority))
        strict.verify_flags |= ssl.VERIFY_X509_STRICT
        with socket.create_connection(("localhost", port)) as plain:
            strict.wrap_socket(plain, server_hostname="localhost").close()
    finally:
        client.close()
        server.terminate()
        server.wait(20)


def publish(count: int, first: int = 1) -> None:
    publishing.publish_many(
        Message("track.lap", {"lap": lap, "seconds": 0.0, "turns": 0}, key="guest")
        for lap in range(first, first + count)
    )


def certificates_in(folder: Path) -> Path:
    """Have the page's own commands make a CA, and certificate and key of localhost; skips the test where openssl is missing."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed here")
    page = (BASE_DIR / "docs" / "deployment.md").read_text().replace("redis.internal", "localhost")
    commands = [line for line in page.splitlines() if line.startswith("    ") and "openssl req" in line]
    assert len(commands) == 2
    subprocess.run(["sh", "-ec", "\n".join(commands)], cwd=folder, check=True, capture_output=True)
    for made, name in (("localhost.pem", "redis.pem"), ("localhost.key", "redis.key")):
        (folder / made).rename(folder / name)
    return folder / "ca.pem"
