"""The kinds of faults that a soak injects: each function does one and mends it; the first line of its docstring is what a table shows."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from scripting.models import Activation, Script, ScriptVersion
from scripting.processes.members import everyone
from scripting.registry import publishing
from scripting.registry.moves import AnyBase
from tests.drills import crew as crews
from tests.drills.crew import Crew
from tests.drills.ledger import with_retry
from tests.drills.network import Host
from tests.drills.place import Place
from tests.support.processes import alive
from tests.support.stack import wait_until
from tests.workers.outages import standby, stop_outside_a_transaction
from tests.workers.processes import WorkerProcess
from tests.workers.track import MARSHAL

LEASE_AND_MORE = 6.0
"""Longer than a lease, a sign of life, and until a process is shown as stale."""
GIVEN_UP_SECONDS = 55.0
"""Longer than a kernel keeps a connection on which it was asked three times for a sign of life, see the layer of Channels."""
BACK_SECONDS = 20.0
"""Patience until a worker that was without Redis for so long has acknowledged a new version: it asks for signs of life every 5 s."""
GONE_SECONDS, TAKEN_SECONDS, START_SECONDS = 30.0, 60.0, 180.0
"""Patience with sandboxes of a killed process, with a changed file and with a start, on a machine that has no core to spare."""


@dataclass
class Scene:
    place: Place
    crew: Crew
    dice: random.Random
    far: Host | None
    """Where the worker `worker-far` runs, if hosts can be had."""
    texts: Iterator[int] = field(default_factory=lambda: iter(range(1, 1_000_000)))
    """Numbers that make texts different."""

    def worker(self, *, near: bool = False) -> str:
        """The name of one of the workers; `near`: not of that on another host."""
        names = [name for name in self.crew.names("worker") if not near or name != "worker-far"]
        return self.dice.choice(names)


def kill_worker(scene: Scene) -> None:
    """kill -9 a worker"""
    name = scene.worker()
    victim = scene.crew.kill(name)
    wait_until(victim.leaves_nothing, GONE_SECONDS, "a sandbox outlived its worker")
    scene.crew.start(name)


def kill_all_workers(scene: Scene) -> None:
    """kill -9 all workers at once"""
    victims = [scene.crew.kill(name) for name in scene.crew.names("worker")]
    for victim in victims:
        wait_until(victim.leaves_nothing, GONE_SECONDS, "a sandbox outlived its worker")
    for name in scene.crew.names("worker"):
        scene.crew.start(name)


def end_worker(scene: Scene) -> None:
    """SIGTERM to a worker, as a deployment does"""
    name = scene.worker()
    victim = scene.crew.running[name]
    victim.signal(signal.SIGTERM)
    assert victim.process.wait(START_SECONDS) == 0, victim.log.read_text()[-2000:]
    wait_until(victim.leaves_nothing, GONE_SECONDS, "a sandbox outlived its worker")
    scene.crew.start(name)


def kill_sandbox(scene: Scene) -> None:
    """kill -9 the sandboxes of all workers"""
    for name in scene.crew.names("worker"):
        for box in crews.sandboxes(scene.crew.running[name]):
            crews.kill(box)


def kill_fork_server(scene: Scene) -> None:
    """kill -9 the process that forks a worker's sandboxes"""
    for server in crews.fork_servers(scene.crew.running[scene.worker()]):
        crews.kill(server)
        wait_until(lambda server=server: not alive(server), 10)


def freeze_worker(scene: Scene) -> None:
    """SIGSTOP a worker for longer than its lease, then SIGCONT"""
    worker = scene.crew.running[scene.worker()]
    assert isinstance(worker, WorkerProcess)
    stop_outside_a_transaction(worker.signal)
    time.sleep(LEASE_AND_MORE)
    worker.signal(signal.SIGCONT)


def kill_redis(scene: Scene) -> None:
    """kill -9 Redis, start it again"""
    scene.place.redis.kill()
    time.sleep(scene.dice.uniform(0, 2))
    scene.place.redis.start()


def freeze_redis(scene: Scene) -> None:
    """SIGSTOP Redis for 3 s"""
    with scene.place.redis.frozen():
        time.sleep(3)


def cut_redis_clients(scene: Scene) -> None:
    """close every connection to Redis"""
    client = scene.place.redis.own_client
    client.client_kill_filter(_type="normal")
    client.client_kill_filter(_type="pubsub")


@contextmanager
def memory(place: Place, most: int) -> Iterator[None]:
    """Within it Redis may hold so many bytes."""
    client = place.redis.own_client
    before = client.config_get("maxmemory")["maxmemory"]
    client.config_set("maxmemory", most)
    try:
        yield
    finally:
        client.config_set("maxmemory", before)


def fill_redis(scene: Scene) -> None:
    """Redis is full for 3 s"""
    with memory(scene.place, int(scene.place.redis.own_client.info("memory")["used_memory"])):
        time.sleep(3)


def crash_postgres(scene: Scene) -> None:
    """immediate shutdown of PostgreSQL, which recovers"""
    assert scene.place.postgres is not None
    scene.place.postgres.crash()
    time.sleep(scene.dice.uniform(0, 1))
    scene.place.postgres.start()


def terminate_backends(scene: Scene) -> None:
    """PostgreSQL closes every connection"""
    assert scene.place.postgres is not None
    with psycopg.connect(scene.place.postgres.url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'drill'")


def read_only(scene: Scene) -> None:
    """PostgreSQL takes no writes for 4 s, as a standby"""
    with standby():
        time.sleep(4)


def kill_web(scene: Scene) -> None:
    """kill -9 the web process"""
    scene.crew.kill("web")
    scene.crew.start("web")
    wait_until(lambda: scene.crew.serves("web"), START_SECONDS, "web does not serve again")


def text_of(scene: Scene) -> str:
    return f"{MARSHAL}# {next(scene.texts)}\n"


def publish(text: str) -> Activation:
    """By the registry's own way, from this process."""
    script = Script.objects.get(module="track", name="marshal")
    return with_retry(lambda: publishing.publish(script, "python", text, actor=None, reason="a drill", base=AnyBase))


def live_origin() -> str:
    version = Script.objects.get(module="track", name="marshal").active_version
    return version.origin if version else ""


def publish_version(scene: Scene) -> None:
    """publish a version under load"""
    publish(text_of(scene))


def publish_broken(scene: Scene) -> None:
    """publish a version that always fails; after 2 s roll back"""
    script = Script.objects.get(module="track", name="marshal")
    assert script.active_version is not None
    number = script.active_version.number
    publish(f"{text_of(scene)}result = {{'lap': 1 // 0}}\n")
    time.sleep(2)
    with_retry(lambda: publishing.rollback(script, number, actor=None, reason="a drill"))


def override(scene: Scene) -> None:
    """an override file appears, and goes"""
    file = scene.place.scripts / "track" / "marshal.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text_of(scene))
    wait_until(lambda: live_origin() == ScriptVersion.Origin.FILE, TAKEN_SECONDS, "the file was not taken")
    file.unlink()
    wait_until(lambda: live_origin() == ScriptVersion.Origin.EMBEDDED, TAKEN_SECONDS, "the default did not come back")


def kill_watcher(scene: Scene) -> None:
    """kill -9 a watcher; the other takes a file meanwhile"""
    name = scene.dice.choice(scene.crew.names("watcher"))
    scene.crew.kill(name)
    override(scene)
    scene.crew.start(name)


def cut_host_off(scene: Scene) -> None:
    """pull a worker's cable for 6 s"""
    assert scene.far is not None
    scene.far.cut_off()
    time.sleep(LEASE_AND_MORE)
    scene.far.plug_in()


def _lose(scene: Scene, server: str, seconds: float) -> None:
    """Keep the far worker from one server of the network for so long."""
    assert scene.far is not None
    assert scene.place.network is not None
    address = getattr(scene.place.network, server)
    scene.far.lose(address)
    time.sleep(seconds)
    scene.far.find(address)


def lose_redis(scene: Scene) -> None:
    """a worker reaches the database but not Redis for 6 s"""
    _lose(scene, "redis", LEASE_AND_MORE)


def lose_database(scene: Scene) -> None:
    """a worker reaches Redis but not the database for 6 s"""
    _lose(scene, "database", LEASE_AND_MORE)


def lose_redis_for_long(scene: Scene) -> None:
    """a worker reaches the database but not Redis for 55 s"""
    _lose(scene, "redis", GIVEN_UP_SECONDS)
    number = publish(text_of(scene)).version.number  # type: ignore[union-attr] # what is published has one
    wait_until(
        lambda: have(number) == len(scene.crew.names("worker")), BACK_SECONDS, "it does not hear of changes again"
    )


def have(number: int) -> int:
    """How many live workers have acknowledged that version of the track's script."""
    workers = [process for process in everyone(["track/marshal"]) if process.kind == "worker" and not process.is_stale]
    loaded = [process.loaded.get("track/marshal") for process in workers]
    return sum(version is not None and version.number >= number for version in loaded)


Fault = Callable[[Scene], None]

OF_WORKERS: tuple[Fault, ...] = (
    kill_worker,
    kill_all_workers,
    end_worker,
    freeze_worker,
    kill_sandbox,
    kill_fork_server,
    kill_redis,
    freeze_redis,
    cut_redis_clients,
    fill_redis,
    publish_version,
    publish_broken,
)
OF_WEB: tuple[Fault, ...] = (kill_web,)
OF_WATCHERS: tuple[Fault, ...] = (override, kill_watcher)
OF_POSTGRES: tuple[Fault, ...] = (crash_postgres, terminate_backends, read_only)
OF_HOSTS: tuple[Fault, ...] = (lose_redis, cut_host_off, lose_database)
OF_HOSTS_ONCE: tuple[Fault, ...] = (lose_redis_for_long,)
"""Too long for a fault every ten seconds: once in a soak that goes on for long."""


def kinds(scene: Scene, *, once: bool = False) -> list[Fault]:
    """Those that can be injected here; `once`: with those that a long soak injects a single time. DRILL_FAULT names one alone."""
    alone = os.environ.get("DRILL_FAULT")
    if alone:
        return [globals()[alone]]
    return [
        *OF_WORKERS,
        *(OF_WEB if scene.crew.names("web") else ()),
        *(OF_WATCHERS if scene.crew.names("watcher") else ()),
        *(OF_POSTGRES if scene.place.postgres else ()),
        *(OF_HOSTS if scene.far else ()),
        *(OF_HOSTS_ONCE if scene.far and once else ()),
    ]


def name_of(fault: Fault) -> str:
    return (fault.__doc__ or fault.__name__).strip()
