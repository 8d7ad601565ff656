"""Hosts on a network of their own: name spaces of this machine on a bridge that leads nowhere else. Needs root."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from dataclasses import dataclass

NOWHERE = "02:00:00:00:00:99"
"""The address of no network card."""


@dataclass(frozen=True)
class Host:
    """A name space of network with one card; `under` starts a command on it."""

    name: str
    card: str
    """The end of its cable at the bridge."""
    address: str

    @property
    def under(self) -> tuple[str, ...]:
        return ("ip", "netns", "exec", self.name)

    def cut_off(self) -> None:
        """Pull the cable: no packet arrives, no connection is told."""
        run("link", "set", self.card, "down")

    def plug_in(self) -> None:
        run("link", "set", self.card, "up")

    def lose(self, address: str) -> None:
        """Send what is for `address` nowhere, without a word; the rest of the network is there."""
        run("-n", self.name, "neigh", "replace", address, "lladdr", NOWHERE, "dev", "eth0", "nud", "permanent")

    def find(self, address: str) -> None:
        run("-n", self.name, "neigh", "del", address, "dev", "eth0")


class Network:
    """A bridge with two addresses of this machine, for Redis and for the database; a context manager that leaves nothing."""

    @staticmethod
    def can_be_had() -> bool:
        return os.geteuid() == 0 and shutil.which("ip") is not None

    def __init__(self) -> None:
        self.name = f"gd{os.getpid()}"
        self._prefix = f"10.213.{os.getpid() % 254 + 1}"
        self.redis, self.database = f"{self._prefix}.1", f"{self._prefix}.2"
        self.hosts: list[Host] = []
        run("link", "add", self.name, "type", "bridge")
        for address in (self.redis, self.database):
            run("addr", "add", f"{address}/24", "dev", self.name)
        run("link", "set", self.name, "up")

    def add_host(self) -> Host:
        number = len(self.hosts) + 1
        host = Host(f"{self.name}-{number}", f"{self.name}h{number}", f"{self._prefix}.{number + 10}")
        self.hosts.append(host)  # before it is there: whatever ends this leaves nothing
        run("netns", "add", host.name)
        run("link", "add", host.card, "type", "veth", "peer", "name", "eth0", "netns", host.name)
        run("link", "set", host.card, "master", self.name, "up")
        run("-n", host.name, "addr", "add", f"{host.address}/24", "dev", "eth0")
        for card in ("lo", "eth0"):
            run("-n", host.name, "link", "set", card, "up")
        return host

    def __enter__(self) -> Network:
        return self

    def __exit__(self, *_error: object) -> None:
        for host in self.hosts:
            with contextlib.suppress(RuntimeError):
                run("netns", "del", host.name)
        run("link", "del", self.name)


def run(*arguments: str) -> None:
    """Raises RuntimeError with what `ip` says."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
