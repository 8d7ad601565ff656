"""docs/new-module.md tried from start to end: its files written, its commands run, in a scratch copy of the project."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from goby_site.paths import BASE_DIR
from tests.support.pages_of_docs import blocks_of, write_block
from tests.support.processes import child_environment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

PAGE = BASE_DIR / "docs" / "new-module.md"
COPIED = ("goby_site", "scripting", "wargame", "templates", "tests/support", "tests/conftest.py", "tests/__init__.py")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project that the page may change."""
    folder = tmp_path / "goby"
    for name in (*COPIED, "manage.py", "pyproject.toml"):
        source, target = BASE_DIR / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)  # with its bytecode: else each command would compile it first
        else:
            shutil.copy(source, target)
    return folder


def run(command: str, project: Path) -> str:
    """The command's output; it must succeed."""
    var = project.parent / "var"
    environment = child_environment(
        GOBY_VAR=str(var),
        DATABASE_URL=f"sqlite:///{var}/goby.sqlite3",
        PYTHONPATH=str(project),
        PATH=f"{Path(sys.executable).parent}:/usr/bin:/bin",
    )
    del environment["DJANGO_SETTINGS_MODULE"]  # each command knows its own
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def test_the_page_on_a_new_module_works_as_it_stands(project: Path) -> None:
    commands = 0
    for block in blocks_of(PAGE):
        if block.option:
            write_block(block, project)
        elif block.language == "console":
            output = ""
            for line in block.text.splitlines():
                if line.startswith("$ "):
                    output = run(line.removeprefix("$ "), project)
                    commands += 1
                else:
                    assert line in output, f"the page promises {line!r}, this came:\n{output}"
    assert commands >= 9
