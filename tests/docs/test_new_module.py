"""docs/new-module.md tried from start to end: its files written, its commands run, in a scratch copy of the project."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from goby_site.paths import BASE_DIR
from tests.support import migrated
from tests.support.commands import Commands
from tests.support.pages_of_docs import blocks_of, write_block
from tests.support.processes import child_environment

pytestmark = [pytest.mark.e2e]

PAGE = BASE_DIR / "docs" / "new-module.md"
MANAGE = "python manage.py "
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


@pytest.fixture
def environment(tmp_path: Path, project: Path) -> dict[str, str]:
    """That of a clone whose database has been migrated, so that `migrate` has the new module's tables to make."""
    var = tmp_path / "var"
    var.mkdir()
    migrated.copy_file(var / "goby.sqlite3")
    found = child_environment(
        GOBY_VAR=str(var),
        DATABASE_URL=f"sqlite:///{var}/goby.sqlite3",
        PYTHONPATH=str(project),
        PATH=f"{Path(sys.executable).parent}:/usr/bin:/bin",
    )
    found["DJANGO_SETTINGS_MODULE"] = "goby_site.settings"
    return found


def run(command: str, project: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A command in a shell."""
    own = environment.copy()
    del own["DJANGO_SETTINGS_MODULE"]  # each command knows its own
    return subprocess.run(
        ["/bin/sh", "-c", command], cwd=project, env=own, capture_output=True, text=True, check=False, timeout=300
    )


def test_the_page_on_a_new_module_works_as_it_stands(project: Path, environment: dict[str, str]) -> None:
    commands = 0
    manage = Commands(project, environment, Path(sys.executable))
    for block in blocks_of(PAGE):
        if block.option:
            manage.close()  # the next command is one of the project as it is then
            write_block(block, project)
        elif block.language == "console":
            output = ""
            for line in block.text.splitlines():
                if line.startswith("$ "):
                    command = line.removeprefix("$ ")
                    if command.startswith(MANAGE):
                        done = manage.run(*shlex.split(command.removeprefix(MANAGE)))
                    else:
                        done = run(command, project, environment)
                    output = done.stdout + done.stderr
                    assert done.returncode == 0, f"{command}\n{output}"
                    commands += 1
                    if command == f"{MANAGE}migrate":  # what the module's tests would make again, in three seconds
                        migrated.offer(project, Path(environment["GOBY_VAR"]) / "goby.sqlite3")
                else:
                    assert line in output, f"the page promises {line!r}, this came:\n{output}"
    manage.close()
    assert commands >= 9
