"""A real Redis that is there and refuses work, in each way that Redis knows: workers wait and go on by themselves, publishers are told why."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import redis

from scripting.bus import RedisRefused, publishing
from scripting.bus.publishing import Message
from scripting.models import Execution
from scripting.storage.redis_errors import code_of, is_unavailable
from tests.support.redis import RedisServer
from tests.workers.processes import WorkerProcess, wait_for
from tests.workers.track import laps

pytestmark = [pytest.mark.usefixtures("track"), pytest.mark.alone]


@contextmanager
def set_to(server: RedisServer, **config: str) -> Iterator[None]:
    client = server.client()
    before = {name: client.config_get(name)[name] for name in config}
    for name, value in config.items():
        client.config_set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            client.config_set(name, value)


@contextmanager
def cannot_save(server: RedisServer) -> Iterator[None]:
    """As with a full disk."""
    snapshot = server.folder / "dump.rdb"
    with set_to(server, save="3600 1"):
        snapshot.mkdir()
        server.client().bgsave()
        wait_for(lambda: server.client().info("persistence")["rdb_last_bgsave_status"] == "err")
        try:
            yield
        finally:
            snapshot.rmdir()


@contextmanager
def lacks_replicas(server: RedisServer) -> Iterator[None]:
    with set_to(server, **{"min-replicas-to-write": "1"}):
        yield


@contextmanager
def became_a_replica(server: RedisServer) -> Iterator[None]:
    """As after a failover, of a master that cannot be reached."""
    server.client().replicaof("127.0.0.1", 1)
    try:
        yield
    finally:
        server.client().replicaof("NO", "ONE")


@contextmanager
def lost_its_master(server: RedisServer) -> Iterator[None]:
    with set_to(server, **{"replica-serve-stale-data": "no"}), became_a_replica(server):
        yield


def is_busy(server: RedisServer) -> bool:
    try:
        return not server.client().ping()
    except redis.ResponseError as error:
        return code_of(error) == "BUSY"


@contextmanager
def runs_a_long_script(server: RedisServer) -> Iterator[None]:
    def run() -> None:
        with pytest.raises(redis.ResponseError, match="killed"):
            server.client().eval("while true do end", 0)

    with set_to(server, **{"lua-time-limit": "20"}):
        running = threading.Thread(target=run)
        running.start()
        wait_for(lambda: is_busy(server))
        try:
            yield
        finally:
            server.client().script_kill()
            running.join()


@contextmanager
def permits_no_writes(server: RedisServer) -> Iterator[None]:
    server.client().execute_command("ACL SETUSER default -@write")
    try:
        yield
    finally:
        server.client().execute_command("ACL SETUSER default +@all")


WAYS: dict[str, Callable[[RedisServer], AbstractContextManager[None]]] = {
    "MISCONF": cannot_save,
    "NOREPLICAS": lacks_replicas,
    "READONLY": became_a_replica,
    "MASTERDOWN": lost_its_master,
    "BUSY": runs_a_long_script,
    "NOPERM": permits_no_writes,
}


def publish(first: int, count: int, **more: object) -> None:
    publishing.publish_many(
        Message("track.lap", {"lap": lap, **more}, key=f"runner-{lap % 4}", event_id=f"lap-{lap}")
        for lap in range(first, first + count)
    )


def refusals(worker: WorkerProcess) -> int:
    """How often its log tells of one."""
    return worker.log.read_text().count("Redis refuses work")


def test_a_worker_outlives_each_refusal_blames_no_event_and_goes_on_by_itself(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    with WorkerProcess(tmp_path, "worker") as worker:
        worker.takes_jobs()
        for number, (code, way) in enumerate(WAYS.items()):
            first = 1 + 13 * number
            publish(first, 12, seconds=0.02)
            wait_for(lambda done=first: Execution.objects.count() >= done, what="nothing runs")
            before = refusals(worker)
            with way(redis_server):
                with pytest.raises(RedisRefused) as refused:
                    publish(first + 12, 1)
                assert code in {refused.value.code, "MASTERDOWN"}
                wait_for(lambda before=before: refusals(worker) > before, what=f"{code} is not told")
                assert worker.process.poll() is None
            publish(first + 12, 1)
            wait_for(lambda due=13 * (number + 1): Execution.objects.count() == due, what=f"not run after {code}")
            assert worker.process.poll() is None
        assert refusals(worker) < 20, "each is told once"
    assert not Execution.objects.exclude(status=Execution.Status.SUCCEEDED).exists()
    assert publishing.backlog().dead_letters == 0
    assert {runner: sorted(done) for runner, done in laps().items()} == laps()


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("MISCONF", "MISCONF Errors writing to the AOF file: No space left on device"),
        (
            "NOREPLICAS",
            "Command # 1 (HSET rq:worker:OOM) of pipeline caused error: NOREPLICAS Not enough good replicas",
        ),
        ("OOM", "Error running script (call to f_ab): @user_script:1: @user_script: 1: -OOM command not allowed"),
        ("UNBLOCKED", "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"),
        ("BUSY", "Transaction discarded because of: BUSY Redis is busy running a script"),
        (
            "NOPERM",
            "ACL failure in script: User default has no permissions to run the 'set' command script: on @user_script:1.",
        ),
    ],
)
def test_a_refusal_is_known_however_it_comes(code: str, text: str) -> None:
    error = redis.ResponseError(text)
    assert is_unavailable(error)
    assert code_of(error) == code


def test_our_own_mistakes_are_none() -> None:
    assert not is_unavailable(redis.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"))
    assert not is_unavailable(
        redis.ResponseError("Command # 1 (SET BUSY OOM) of pipeline caused error: ERR syntax error")
    )


def test_a_worker_with_nothing_to_do_outlives_that_its_redis_becomes_a_replica(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    """A blocking command that waits then gets an answer of its own, UNBLOCKED."""
    with WorkerProcess(tmp_path, "worker") as worker:
        worker.takes_jobs()
        waits = "blocked_clients"
        for lap in range(3):
            wait_for(lambda: redis_server.client().info("clients")[waits] > 0, what="nobody waits for a job")
            before = refusals(worker)
            with became_a_replica(redis_server):
                wait_for(lambda before=before: refusals(worker) > before, what="the refusal is not told")
            publish(lap, 1)
            wait_for(lambda due=lap + 1: Execution.objects.count() == due, what="it does not go on")
        assert worker.process.poll() is None
        assert "Traceback" not in worker.log.read_text()
