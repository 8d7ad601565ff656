"""How `make test` ends: after all its passes, and as if it failed where one did, however that one ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from goby_site.paths import BASE_DIR
from tests.support import bytecode
from tests.support.processes import alive, processes_of
from tests.support.stack import wait_until

pytestmark = pytest.mark.once

PASSES = ("test-sqlite", "test-postgres", "test-newer")
SLOW = f"""@exec "{sys.executable}" slow.py $@"""
"""A pass that goes on until Ctrl-C, and then tidies up for a while."""
SLOW_PROGRAM = """
import pathlib, sys, time
name = sys.argv[1]
try:
    pathlib.Path(name, "begun").touch()
    time.sleep(300)
except KeyboardInterrupt:
    time.sleep(1)
    pathlib.Path(name, "tidied").touch()
    sys.exit(2)
"""
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Run all passes, of which each does as it is given here; what is not given succeeds at once."""
    started: list[subprocess.Popen[bytes]] = []

    def run(environment: Mapping[str, str] | None = None, **rules: str) -> subprocess.Popen[bytes]:
        (tmp_path / "slow.py").write_text(SLOW_PROGRAM)
        for name in PASSES:
            (tmp_path / name).mkdir()
        text = "\n".join(f"{name}:\n\t{rules.get(name.removeprefix('test-'), '@true')}" for name in PASSES)
        (tmp_path / "Makefile").write_text(f".PHONY: {' '.join(PASSES)}\n{text}\n")
        command = [sys.executable, BASE_DIR / "tests" / "support" / "all_passes.py"]
        with (tmp_path / "told").open("wb") as told:
            process = subprocess.Popen(
                command,
                cwd=tmp_path,
                env={**os.environ, **(environment or {})},
                stdout=told,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield run
    for process in started:
        for pid in processes_of(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.wait()


def begun(folder: Path, *names: str) -> Callable[[], bool]:
    return lambda: all((folder / name / "begun").exists() for name in names)


@pytest.mark.parametrize(
    "rules", [{"newer": "@false"}, {"postgres": "@false"}, {"sqlite": "@false"}, {"sqlite": "@kill -KILL $$PPID"}]
)
def test_a_pass_that_fails_or_is_killed_is_a_fault_of_the_whole(start: Start, rules: dict[str, str]) -> None:
    assert start(**rules).wait(60) != 0


def test_without_a_fault_there_is_none(start: Start) -> None:
    assert start().wait(60) == 0


def test_on_a_fresh_clone_postgresql_begins_once_the_test_files_are_compiled(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "cache" / bytecode.SAMPLE.parent.relative_to("/")
    file = folder / f"{bytecode.SAMPLE.stem}.{sys.implementation.cache_tag}-pytest-9.pyc"
    nothing_compiled = {"PYTHONPYCACHEPREFIX": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": ""}
    compiles = f"@sleep 1 && test ! -e test-postgres/begun && mkdir -p {folder} && touch {file} && sleep 1"
    asks = f"@test -e {file} && touch test-postgres/begun"
    assert start(nothing_compiled, sqlite=compiles, postgres=asks).wait(60) == 0
    assert begun(tmp_path, "test-postgres")()


def test_where_nothing_was_compiled_postgresql_begins_when_the_first_pass_has_ended(
    start: Start, tmp_path: Path
) -> None:
    nothing_compiled = {"PYTHONPYCACHEPREFIX": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": ""}
    assert start(nothing_compiled, sqlite="@false", postgres="@touch test-postgres/begun").wait(60) != 0
    assert begun(tmp_path, "test-postgres")()


def test_ctrl_c_is_over_when_every_pass_has_tidied_up(start: Start, tmp_path: Path) -> None:
    process = start(sqlite=SLOW)
    wait_until(begun(tmp_path, "test-sqlite"), what="a pass")
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) != 0
    assert (tmp_path / "test-sqlite" / "tidied").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_ends_it_ends_its_passes_too(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    process = start(sqlite=SLOW, postgres=SLOW)
    wait_until(begun(tmp_path, "test-sqlite", "test-postgres"), what="two passes")
    process.send_signal(number)
    assert process.wait(60) != 0
    wait_until(lambda: not processes_of(process.pid), 20, "nothing goes on")


STARTS_A_SERVER = """
import pathlib, sys, time
from tests.support.postgres import PostgresServer
print(PostgresServer(pathlib.Path(sys.argv[1])).process.pid, flush=True)
time.sleep(300)
"""


@pytest.mark.slow
def test_a_database_server_of_tests_ends_with_a_run_that_is_killed() -> None:
    with tempfile.TemporaryDirectory(
        prefix="gp-"
    ) as folder:  # as root, the server runs as another user, whom tmp_path lets in nowhere
        command = [sys.executable, "-c", STARTS_A_SERVER, folder]
        with subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE, text=True) as run:
            assert run.stdout is not None
            server = int(run.stdout.readline())
            assert alive(server)
            run.kill()
        wait_until(lambda: not alive(server), 20, "the server ends")
