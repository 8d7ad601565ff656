"""A Redis with a replica and a sentinel that promotes it: real servers, on ports of 127.0.0.1."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from goby_site.stack.redis_server import redis_server_binary
from goby_site.stack.supervisord import tied
from tests.support.processes import free_port
from tests.support.stack import wait_until

NAME = "goby-master"


class Replicated:
    """The servers; `url` and `sentinels` are what a site is told of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {name: free_port() for name in ("first", "second", "sentinel")}
        self.url, self.sentinels = f"redis://{NAME}/0", f"127.0.0.1:{self.ports['sentinel']}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        common = ["appendonly no", 'save ""', "repl-diskless-sync-delay 0", "repl-ping-replica-period 1"]
        self._run("first", common)
        self._run("second", [*common, f"replicaof 127.0.0.1 {self.ports['first']}"])
        wait_until(lambda: self.client("second").info("replication").get("master_link_status") == "up")
        watched = f"sentinel monitor {NAME} 127.0.0.1 {self.ports['first']} 1"
        timing = [f"sentinel down-after-milliseconds {NAME} 300", f"sentinel failover-timeout {NAME} 3000"]
        self._run("sentinel", [watched, *timing], "--sentinel")
        wait_until(lambda: self._sentinel_knows_replica())

    def client(self, name: str) -> redis.Redis:
        """One of the servers itself, whoever is master."""
        return redis.Redis(port=self.ports[name])

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait()

    def is_promoted(self) -> bool:
        return self.client("second").info("replication")["role"] == "master"

    def _run(self, name: str, lines: list[str], *options: str) -> None:
        folder = self.folder / name
        folder.mkdir(parents=True)
        config = folder / "server.conf"
        config.write_text("\n".join([f"port {self.ports[name]}", "bind 127.0.0.1", f'dir "{folder}"', *lines, ""]))
        with (folder / "log").open("ab") as log:
            command = tied("KILL", str(redis_server_binary()), str(config), *options)
            self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: self._answers(name), 20, f"{name} does not answer")

    def _answers(self, name: str) -> bool:
        try:
            return bool(self.client(name).ping())
        except redis.ConnectionError:
            return False

    def _sentinel_knows_replica(self) -> bool:
        state = redis.Redis(port=self.ports["sentinel"], decode_responses=True).sentinel_masters().get(NAME, {})
        return bool(state.get("num-slaves"))


@contextmanager
def replicated(folder: Path) -> Iterator[Replicated]:
    """Started, and ended whatever happens."""
    servers = Replicated(folder)
    try:
        servers.start()
        yield servers
    finally:
        for process in servers.processes.values():
            process.kill()
            process.wait()
