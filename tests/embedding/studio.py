"""A studio's own Django project with the engine in it: made anew from `startproject`, docs/embedding.md and the wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from goby_site.paths import BASE_DIR
from tests.support.commands import Commands
from tests.support.pages_of_docs import blocks_of, write_block

DOCS = BASE_DIR / "docs"
PEOPLE = Path(__file__).with_name("people")
"""The studio's own app: users who log in by e-mail and have UUIDs as keys."""

OWN = """
import os

import dj_database_url

ALLOWED_HOSTS = ["127.0.0.1"]
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
AUTH_USER_MODEL = "people.Person"
INSTALLED_APPS += ["people", "tavern"]
MIDDLEWARE.insert(1, "whitenoise.middleware.WhiteNoiseMiddleware")
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = True
"""
"""The studio's settings before it hears of Goby."""


def make_environment(folder: Path, wheel: Path) -> Path:
    """A virtual environment with the wheel installed: its python. Other packages are those of this one's."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--no-index", "--no-compile", wheel], check=True)
    [packages] = folder.glob("lib/python*/site-packages")
    # A line of a .pth adds a folder without the .pth files in it: not the one that would bring this clone.
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


class Studio:
    """The project's folder, and processes in it."""

    def __init__(self, folder: Path, python: Path, *, database_url: str, redis_url: str) -> None:
        self.folder, self.python = folder, python
        self.environment = {
            "PATH": f"{python.parent}:/usr/bin:/bin",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "studio.settings",
        }
        self.processes: list[subprocess.Popen[bytes]] = []
        self.commands = Commands(folder, self.environment, python)
        folder.mkdir()
        self.run("-m", "django", "startproject", "studio", ".")
        settings = folder / "studio" / "settings.py"
        settings.write_text(settings.read_text() + OWN)
        shutil.copytree(PEOPLE, folder / "people", ignore=shutil.ignore_patterns("__pycache__"))
        for block in blocks_of(DOCS / "new-module.md"):
            if block.path.startswith("tavern/"):
                write_block(block, folder)
        for block in blocks_of(DOCS / "embedding.md"):
            if block.option:
                write_block(block, folder)

    def run(self, *arguments: str) -> str:
        """Python's output with these arguments, in the project."""
        done = subprocess.run(
            [self.python, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def manage(self, *arguments: str, fails: bool = False) -> str:
        """Run a command of the project's `manage.py`; its output."""
        done = self.commands.run(*arguments)
        assert (done.returncode != 0) == fails, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def start(self, name: str, *arguments: str) -> None:
        """A process that `stop` ends; its output is in NAME.log."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes.append(
                subprocess.Popen(
                    [self.python, *arguments], cwd=self.folder, env=self.environment, stdout=log, stderr=log
                )
            )

    def logs(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()}" for path in sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        self.commands.close()
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @property
    def scripting(self) -> Path:
        """Where the project's Python finds the engine."""
        return Path(self.run("-c", "import scripting; print(scripting.__file__)").strip()).parent
