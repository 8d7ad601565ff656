"""An installed package adds a language by the entry-point group `goby.languages`, without a change here (requirement 1.1).

The cases run in an environment of their own, in which the tiny language of `outside/` is installed beside everything else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from scripting.sandbox.languages.installed import BadLanguage, installed
from scripting.sandbox.languages.table import OURS

ROOT = Path(__file__).parents[2]
OUTSIDE = Path(__file__).parent / "outside"


def install(folder: Path, *, entry: str = "tally = goby_tally:LANGUAGE", name: str = "goby_tally") -> None:
    """Put the tiny language there as an installer would."""
    shutil.copytree(OUTSIDE / "goby_tally", folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[console_scripts]\nx = y:z\n\n[goby.languages]\n{entry}\n")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has what this one has, and the tiny language."""
    folder = tmp_path_factory.mktemp("outside")
    venv.create(folder, with_pip=False, symlinks=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / "lib" / version / "site-packages"
    (site / "goby.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n{ROOT}\n")
    install(site)
    return folder / "bin" / "python"


@pytest.mark.slow
def test_a_language_from_outside_is_discovered_edited_checked_run_and_repeated(python: Path) -> None:
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(OUTSIDE / "cases.py")]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("tally = goby_tally:NOTHING", "cannot be loaded"),
        ("tally = goby_nowhere:LANGUAGE", "cannot be loaded"),
        ("other = goby_tally:LANGUAGE", "no Language of that name"),
    ],
)
def test_a_faulty_entry_point_says_what_is_wrong(
    entry: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, entry=entry)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadLanguage, match=words):
        installed(OURS)


def test_a_language_that_takes_the_name_of_another_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert [language.name for language in installed(OURS)] == ["tally"]
    mine = installed(OURS)[0]
    with pytest.raises(BadLanguage, match="the name or the suffix"):
        installed((*OURS, mine))


LOAD = """
from scripting.sandbox.languages.factory import EngineFactory
from scripting.sandbox.policy.refusal import Refusal
factory = EngineFactory()
factory.load_all()
print(factory.languages())
try:
    factory.engine("tally")
except Refusal as refusal:
    print(refusal)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("import helper_of_tally\n", "the language tally imports redis, which no sandbox may load"),
        ("raise OSError('no disk')\n", "the language tally cannot be loaded: OSError: no disk"),
    ],
)
def test_a_language_whose_engine_may_not_be_loaded_harms_no_other(line: str, words: str, tmp_path: Path) -> None:
    """In a process as bare as a sandbox: this one has the packages already that no sandbox may load."""
    install(tmp_path)
    (tmp_path / "helper_of_tally.py").write_text("import redis\n")
    engine = tmp_path / "goby_tally" / "engine.py"
    engine.write_text(engine.read_text().replace("\nimport ast\n", f"\nimport ast\n{line}", 1))
    paths = os.pathsep.join([str(tmp_path), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run([sys.executable, "-c", LOAD], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[0] == "['python', 'tengo', 'zygomys']"
    assert words in ran.stdout
