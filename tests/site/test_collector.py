"""Test processes of xdist are forked from one that has collected: they share what it imported, and nothing that a test writes to."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from goby_site.paths import BASE_DIR
from goby_site.stack import forks
from tests.support.processes import alive

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not forks.POSSIBLE, reason="test processes are forked on Linux alone"),
]

TESTS = """
import json, logging, os, shutil, signal
from pathlib import Path
import pytest
from django.conf import settings
from django.db import connection

HERE = Path(__file__).parent
with (HERE / "imported").open("a") as file:
    file.write(f"{os.getpid()}\\n")

@pytest.mark.parametrize("number", range(8))
def test_tells(number, tmp_path, scratch, redis_client, db, capfd):
    print("captured")
    logging.getLogger("scripting").warning("logged")
    redis_client.set("number", number)
    told = {
        "process": os.getpid(), "parent": os.getppid(), "worker": os.environ["PYTEST_XDIST_WORKER"], "folder": str(tmp_path),
        "data": [str(scratch), str(settings.VAR_DIR), settings.REDIS_URL, str(connection.settings_dict["NAME"]), settings.SECRET_KEY],
        "number": int(redis_client.get("number")), "captured": capfd.readouterr().out,
    }
    (HERE / f"{number}.told").write_text(json.dumps(told))

def test_is_killed(scratch):
    shutil.rmtree(scratch)  # which it cannot do at its end
    os.kill(os.getpid(), signal.SIGKILL)

def test_fails():
    print("words", "of one test")
    logging.getLogger("scripting").warning("logged by it")
    assert False
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The output of a run of two test processes, and the folder of its tests."""
    folder = tmp_path_factory.mktemp("tests")
    (folder / "test_telling.py").write_text(TESTS)
    (folder / "conftest.py").write_text(
        "from tests.conftest import *\ndel pytest_ignore_collect, pytest_collection_modifyitems  # which know files of the project alone\n"
    )
    (folder / "test_broken.py").write_text("import nothing_of_this_name\n")
    given = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GOBY_"))}
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-p", "no:cacheprovider"]
    ended = subprocess.run(
        [*command, "-q", "-n", "2", str(folder)],
        cwd=BASE_DIR,
        env=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    return ended.stdout, folder


@pytest.fixture
def told(run: tuple[str, Path]) -> list[dict[str, Any]]:
    """The report that each test of the run left in the folder."""
    return [json.loads(file.read_text()) for file in sorted(run[1].glob("*.told"))]


def test_each_test_runs_and_one_that_kills_its_process_has_another_forked(
    run: tuple[str, Path], told: list[dict[str, Any]]
) -> None:
    assert re.search(r"\b2 failed, 8 passed, 1 error\b", run[0]), run[0]
    assert "crashed while running" in run[0]
    assert {each["worker"] for each in told} <= {"gw0", "gw1", "gw2"}


def test_the_files_are_imported_once_by_the_process_that_all_were_forked_from(
    run: tuple[str, Path], told: list[dict[str, Any]]
) -> None:
    [collector] = (run[1] / "imported").read_text().split()
    assert {each["parent"] for each in told} == {int(collector)}
    assert len({each["process"] for each in told}) > 1


def test_each_process_has_its_own_settings_folders_database_and_redis(told: list[dict[str, Any]]) -> None:
    by_process = {each["process"]: each for each in told}.values()
    for values in zip(*(each["data"] for each in by_process), strict=True):
        assert len(set(values)) == len(by_process)
    for each in told:
        scratch = each["data"][0]
        assert all(scratch in value for value in each["data"][:4])
        assert f"/popen-{each['worker']}/" in each["folder"]
        assert not Path(scratch).exists()


def test_a_test_s_output_is_captured_and_shown_with_that_test_alone(
    run: tuple[str, Path], told: list[dict[str, Any]]
) -> None:
    assert [each["captured"] for each in told] == ["captured\n"] * 8
    for words in ("words of one test", "logged by it [scripting]"):
        assert run[0].count(words) == 1, run[0]
    assert "logged [scripting]" not in run[0]


def test_a_file_that_cannot_be_imported_is_told_once(run: tuple[str, Path]) -> None:
    assert run[0].count("ERROR collecting test_broken.py") == 1, run[0]
    assert "No module named 'nothing_of_this_name'" in run[0]


def test_no_process_stays(told: list[dict[str, Any]]) -> None:
    assert not any(alive(each[name]) for each in told for name in ("process", "parent"))
