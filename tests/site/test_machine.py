"""A machine that lacks something is told so before anything is installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from goby_site.paths import BASE_DIR
from goby_site.stack import interpreter, machine


def make(folder: Path, python: Path) -> subprocess.CompletedProcess[str]:
    """`make` of a new environment in `folder`, with that Python."""
    return subprocess.run(
        ["make", f"{folder}/.made", f"VENV={folder}", f"PYTHON={python}"],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize("version", ["2.7.18", "3.10.13", "3.15.0"])
def test_a_python_that_cannot_work_is_named_and_nothing_is_made(tmp_path: Path, version: str) -> None:
    python = tmp_path / "python"
    numbers = tuple(map(int, version.split(".")))
    stand_in = f"import sys; sys.version_info = {numbers}; exec(sys.argv.pop(1))"
    python.write_text(
        f'#!/bin/sh\n[ "$1" = -V ] && echo Python {version} && exit\nexec {sys.executable} -c "{stand_in}" "$2"\n'
    )
    python.chmod(0o755)
    answer = make(tmp_path / "venv", python)
    assert answer.returncode != 0
    assert f"Goby needs Python 3.11, 3.12, 3.13 or 3.14; '{python}' is Python {version}." in answer.stderr
    assert not (tmp_path / "venv").exists()


def test_a_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    answer = make(tmp_path / "venv", tmp_path / "python9")
    assert f"'{tmp_path}/python9' is not on PATH. Install one" in answer.stderr


def test_the_makefile_and_the_project_name_the_same_pythons() -> None:
    makefile = (BASE_DIR / "Makefile").read_text()
    oldest, newest = re.findall(r"\((3, \d+)\) <= sys\.version_info\[:2\] <= \((3, \d+)\)", makefile)[0]
    required = re.findall(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', (BASE_DIR / "pyproject.toml").read_text())[0]
    assert (f"3, {required[0]}", f"3, {int(required[1]) - 1}") == (oldest, newest)
    assert (f"3, {interpreter.MINORS[0]}", f"3, {interpreter.MINORS[-1]}") == (oldest, newest)


PLAIN, OPTIMISED = "'--enable-shared'", "'--enable-shared' '--enable-optimizations'"


def built(program: Path, minor: int, arguments: str, prefix: str = "/opt/python", name: str = "cpython") -> str:
    """A program that answers as a Python of that build."""
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f'#!/bin/sh\necho {name} 3 {minor} 0\necho {prefix}\necho "{arguments}"\n')
    program.chmod(0o755)
    return str(program)


@pytest.fixture
def unoptimised(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine whose `python3` was built without optimisation, and that has no other Python; its folder of programs."""
    monkeypatch.setenv("PATH", f"{tmp_path}/bin")
    monkeypatch.setenv("HOME", f"{tmp_path}/home")
    monkeypatch.setattr(interpreter, "OF_DISTRIBUTIONS", f"{tmp_path}/usr")
    monkeypatch.setattr(interpreter, "is_this_one_optimised", lambda: False)
    return tmp_path


def test_a_python_without_optimisation_gives_way_to_the_nearest_that_has_it(
    unoptimised: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    this = sys.version_info[1]
    near, far = sorted((minor for minor in interpreter.MINORS if minor != this), key=lambda minor: abs(minor - this))[
        :2
    ]
    built(unoptimised / f"bin/python3.{this}", this, PLAIN)
    assert interpreter.chosen() == sys.executable
    built(unoptimised / f"bin/python3.{far}", far, OPTIMISED)
    assert interpreter.chosen() == f"{unoptimised}/bin/python3.{far}"
    built(unoptimised / f"home/.pyenv/versions/3.{near}.9/bin/python3", near, OPTIMISED)
    assert interpreter.chosen() == f"{unoptimised}/home/.pyenv/versions/3.{near}.9/bin/python3"
    packaged = built(unoptimised / f"usr/bin/python3.{this}", this, PLAIN, prefix=f"{unoptimised}/usr")
    assert interpreter.chosen() == packaged, "distributions optimise what they package"
    assert (
        f"{sys.executable} was built without optimisation. The environment is made with {packaged}"
        in capsys.readouterr().err
    )


def test_a_name_on_path_that_is_no_such_python_is_passed_over(unoptimised: Path) -> None:
    this = sys.version_info[1]
    built(unoptimised / f"bin/python3.{this}", this, OPTIMISED, name="pypy")
    assert interpreter.chosen() == sys.executable
    built(unoptimised / f"bin/python3.{this}", 9, OPTIMISED)
    assert interpreter.chosen() == sys.executable
    for shim in ("echo no such version >&2\nexit 127", "exit 0"):
        (unoptimised / f"bin/python3.{this}").write_text(f"#!/bin/sh\n{shim}\n")
        assert interpreter.chosen() == sys.executable


def test_the_makefile_asks_which_python_unless_one_is_named() -> None:
    def made_with(*named: str) -> str:
        command = ["make", "--no-print-directory", "--eval", "made: ; @echo '$(MADE_WITH)'", "made", *named]
        given = ("PYTHON", "MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES")  # make gives its own to all that it runs
        environment = {name: value for name, value in os.environ.items() if name not in given}
        return subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=True).stdout

    assert made_with() == '"$(python3 -m goby_site.stack.interpreter)"\n'
    assert made_with("PYTHON=nice python3.13") == "nice python3.13\n", "a command with arguments stays one"


def test_bytecode_is_kept_also_where_the_environment_says_not_to() -> None:
    """Else each process of a stack compiles Django and the project before it does anything."""
    answer = subprocess.run(
        ["make", "--no-print-directory", "--eval", 'kept: ; @echo "[$$PYTHONDONTWRITEBYTECODE]"', "kept"],
        cwd=BASE_DIR,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout) == (0, "[]\n")


def test_this_machine_lacks_nothing() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "goby_site.stack.machine"], cwd=BASE_DIR, capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize(("processor", "glibc"), [("x86_64", ()), ("aarch64", (2, 27)), ("riscv64", (2, 41))])
def test_where_the_packaged_redis_does_not_run_one_on_path_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, processor: str, glibc: tuple[int, ...]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setattr("platform.machine", lambda: processor)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr(machine, "glibc", lambda: glibc)
    (problem,) = machine.problems()
    assert f"this is Linux on {processor} with {'.'.join(map(str, glibc)) or 'no'} glibc" in problem
    assert "apk add valkey" in problem

    monkeypatch.setenv("REDIS_URL", "redis://localhost:6379/0")
    assert machine.problems() == []

    monkeypatch.delenv("REDIS_URL")
    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\necho v=8.1.0\n")
    program.chmod(0o755)
    assert machine.problems() == []


def test_the_c_library_is_known() -> None:
    try:
        expected = os.confstr("CS_GNU_LIBC_VERSION")
    except ValueError:
        expected = None
    assert bool(machine.glibc()) == bool(expected)


def test_a_python_without_venv_says_which_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ensurepip" else object())
    assert any("apt-get install python3-venv" in problem for problem in machine.problems())
