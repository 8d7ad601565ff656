"""Redis as studios run it: a user with the commands that the deployment's list names and no others, and TLS."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import redis
from django.conf import settings

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


def test_a_worker_reaches_redis_by_tls(tmp_path: Path) -> None:
    port = free_port()
    certificate, key = certificate_of(tmp_path)
    tls = ["--tls-port", str(port), "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no"]
    command = [str(redis_server_binary()), "--port", "0", "--bind", "127.0.0.1", *tls, "--dir", str(tmp_path)]
    with (tmp_path / "redis.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"rediss://localhost:{port}/0?ssl_ca_certs={quote(certificate)}"
    client = redis.Redis.from_url(url)

    def answers() -> bool:
        if server.poll() is not None:
            pytest.skip("this redis-server was built without TLS")
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False

    try:
        wait_until(answers, 20)
        with WorkerProcess(tmp_path, "afar", REDIS_URL=url) as worker:
            worker.takes_jobs()
            wait_for(lambda: any(key.startswith(b"goby:alive:afar") for key in client.scan_iter()))
            wait_for(lambda: client.smembers("rq:workers"), what="RQ has no part in it")
            wait_for(lambda: b"goby__group__scripting.notices" in client.pubsub_channels(), what="Channels has none")
        with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
            redis.Redis.from_url(f"rediss://localhost:{port}/0").ping()
    finally:
        client.close()
        server.terminate()
        server.wait(20)


def publish(count: int, first: int = 1) -> None:
    publishing.publish_many(
        Message("track.lap", {"lap": lap, "seconds": 0.0, "turns": 0}, key="guest")
        for lap in range(first, first + count)
    )


def certificate_of(folder: Path) -> tuple[str, str]:
    """Certificate and key of localhost; skips the test where openssl is missing."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed here")
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *names]
    certificate, key = folder / "redis.pem", folder / "redis.key"
    subprocess.run([*made, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    return str(certificate), str(key)
