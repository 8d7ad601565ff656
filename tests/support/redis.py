"""A real redis-server for one test process, configured as the stack configures its own."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import redis

from goby_site.paths import private_dir, unix_url
from goby_site.stack.redis_server import redis_config, redis_server_binary
from goby_site.stack.supervisord import tied


class RedisServer:
    """Starts at once and answers when the constructor returns; `kill` and `start` simulate a crash and a restart.

    `more` are lines of its configuration; of two that set the same the later one counts.
    """

    def __init__(self, folder: Path, more: Sequence[str] = (), **config: str) -> None:
        self.folder = private_dir(folder)
        self.socket = folder / "redis.sock"
        self.url = unix_url(self.socket)
        (folder / "redis.conf").write_text("\n".join([redis_config(folder, self.socket, **config), *more]))
        self.own_client = self.client()
        self.start()

    def start(self) -> None:
        """Start the server on the data that is there. Raises RuntimeError with its log when it does not answer in 10 s."""
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(
                tied("KILL", str(redis_server_binary()), str(self.folder / "redis.conf")),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        client = self.client()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.01)
            else:
                client.close()
                return
        raise RuntimeError((self.folder / "redis.log").read_text())

    def client(self) -> redis.Redis:
        """A new client of this server."""
        return redis.Redis.from_url(self.url)

    def kill(self) -> None:
        """SIGKILL: what a crash does while the disk is well; what a stalled disk loses is in docs/operations.md."""
        with (
            contextlib.suppress(redis.RedisError),
            redis.Redis.from_url(self.url, socket_timeout=1, retry=None) as client,
        ):
            deadline = time.monotonic() + 10
            while client.info("persistence").get("aof_buffer_length") and time.monotonic() < deadline:
                time.sleep(0.01)
        self.process.kill()
        self.process.wait()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Within it the server takes connections and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """A clean end."""
        self.process.terminate()
        self.process.wait(10)


def commands_within(seconds: float, client: redis.Redis) -> list[str]:
    """Commands that clients send to the server within the time; what a Lua script calls is part of its own command."""
    found = []
    with client.monitor() as monitor:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if monitor.connection.can_read(timeout=left):
                heard = monitor.next_command()
                if heard["client_type"] != "lua":
                    found.append(heard["command"])
    return found
