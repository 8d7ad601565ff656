"""The database as the migrations leave it, made once for a run of the suite: each test process and each stack begins with a copy.

To migrate from nothing takes three seconds of computing; in a copy `migrate` finds nothing to do. The file is kept for the next run,
which begins with it as long as no migration, no model and no package has changed since, and as it is as long as no other module has
either, which saves the two seconds of a `migrate`.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg

from goby_site.paths import BASE_DIR
from tests.support.processes import child_environment

# Set by the process that starts first; xdist's workers inherit it.
FOLDER_VARIABLE = "GOBY_TEST_MIGRATED"

KEPT = BASE_DIR / ".pytest_cache" / "migrated"

MODELS = {"migrations", "models", "models.py"}
"""Folders and files that say what a database is like."""

DATABASE = "migrated"
FILE = "migrated.sqlite3"


def shared_folder() -> Path:
    """Where the test processes of a run keep the file, and say to each other what is made; goes with the first of them."""
    if FOLDER_VARIABLE not in os.environ:
        made, owner = tempfile.mkdtemp(prefix="gm-"), os.getpid()

        def remove() -> None:
            if os.getpid() == owner:  # no child that was forked
                shutil.rmtree(made, ignore_errors=True)

        (Path(made) / "run").write_text(str(owner))
        atexit.register(remove)
        os.environ[FOLDER_VARIABLE] = made
    return folder_of(BASE_DIR)


def folder_of(project: Path) -> Path:
    """A copy of the project that a test makes has migrations of its own."""
    folder = Path(os.environ[FOLDER_VARIABLE]) / hashlib.sha256(os.fsencode(project)).hexdigest()[:12]
    folder.mkdir(exist_ok=True)
    return folder


def copy_file(target: Path) -> None:
    """Make `target` a migrated SQLite database; one that is there already stays."""
    if target.exists():
        return
    file = shared_folder() / FILE

    def make() -> None:
        unfinished = file.with_name("unfinished.sqlite3")
        with one_makes():
            kept, now = next(KEPT.glob(f"{state()}-*.sqlite3"), None), KEPT / f"{state()}-{state(everything)}.sqlite3"
            if kept:
                shutil.copyfile(kept, unfinished)
            if kept != now:  # the roles' permissions may be others
                migrate(f"sqlite:///{quote(str(unfinished))}")
                keep(unfinished, now)
        unfinished.rename(file)

    once("sqlite", file.exists, make)
    shutil.copyfile(file, target)


def says_what_it_is_like(module: Path) -> bool:
    """Whether the tables follow from this module."""
    return not MODELS.isdisjoint(module.parts)


def everything(_: Path) -> bool:
    """The rows that `migrate` makes may follow from any module."""
    return True


def state(counts: Callable[[Path], bool] = says_what_it_is_like) -> str:
    """A digest of what the migrations lead to: they and the models, or all modules that count, and the packages, which have some too."""
    texts = [BASE_DIR / "requirements" / "runtime.txt"]
    for package in ("scripting", "goby_site", "wargame"):
        texts += sorted(filter(counts, (BASE_DIR / package).rglob("*.py")))
    return hashlib.sha256(b"\0".join(text.read_bytes() for text in texts)).hexdigest()


@contextlib.contextmanager
def one_makes() -> Iterator[None]:
    """One run at a time, such as the passes of `make test` beside each other: the second finds what the first has made."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def keep(file: Path, kept: Path) -> None:
    """Keep a copy of the file, and none of an earlier state."""
    for earlier in kept.parent.glob("*.sqlite3"):
        earlier.unlink(missing_ok=True)
    with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as copy:
        copy.write(file.read_bytes())
    Path(copy.name).rename(kept)


def offer(project: Path, file: Path) -> None:
    """Let the tests of another copy of the project begin with this file, which its `migrate` has just made."""
    shutil.copyfile(file, folder_of(project) / FILE)


def database(server: str) -> str:
    """The name of a migrated database on the PostgreSQL server, which `CREATE DATABASE … TEMPLATE` copies."""
    done = shared_folder() / "postgres-done"

    def make() -> None:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")
        migrate(server.removesuffix("postgres") + DATABASE)
        done.touch()

    once("postgres", done.exists, make)
    return DATABASE


def once(name: str, made: Callable[[], bool], make: Callable[[], None]) -> None:
    """Call `make` in the first process that comes here; the others wait for it."""
    with (shared_folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made():
            make()


def migrate(url: str) -> None:
    """Migrate the empty database at `url` in a process of its own, so that none of its connections stay. Raises RuntimeError.

    Without the system checks, which take a third of its time and have tests.
    """
    command = [sys.executable, "manage.py", "migrate", "--no-input", "--skip-checks", "--verbosity", "0"]
    environment = child_environment(DATABASE_URL=url)
    done = subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
