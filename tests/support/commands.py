"""Programs of one kind, such as the management commands of a project, each in a fork of one process that has loaded what they need.

To load it takes longer than most of them.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

LOOP = """
import gc, importlib, json, os, sys

for line in sys.stdin:
    asked, folder = json.loads(line)
    foresee(asked)
    gc.collect()
    gc.freeze()
    gc.disable()  # what is asked for ends before its memory runs short
    child = os.fork()
    if not child:
        break
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
else:
    sys.exit()
for number, name in enumerate((os.devnull, f"{folder}/out", f"{folder}/error")):
    os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC), number)
importlib.invalidate_caches()
begin(asked)
"""
"""The child leaves the loop and goes on as the program that is asked for; the parent opens no connection and starts no thread."""
COMMAND = """
import runpy, sys
import django
from django.core.management import get_commands, load_command_class

django.setup()

def foresee(arguments):
    load_command_class(get_commands()[arguments[0]], arguments[0])

def begin(arguments):
    sys.argv = ["manage.py", *arguments]
    runpy.run_path("manage.py", run_name="__main__")
"""


class Forks:
    """Runs what is asked for, each in a fork of one process that begins with the text `beginning`. `close` when no more is to come.

    The text defines `foresee`, called with it before the fork, and `begin`, called in the child. It is run at the first question.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], python: Path, beginning: str) -> None:
        self.folder, self.environment, self.python, self.beginning = folder, environment, python, beginning
        self._process: subprocess.Popen[str] | None = None
        self._log: IO[Any] | None = None

    def ask(self, asked: Any) -> subprocess.CompletedProcess[str]:
        """Wait for its end. Raises RuntimeError where the beginning does not get that far."""
        if self._process is None:
            self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by `close`
            self._process = subprocess.Popen(
                [self.python, "-c", self.beginning + LOOP],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._log is not None
        with tempfile.TemporaryDirectory() as said:
            self._process.stdin.write(json.dumps([asked, said]) + "\n")
            self._process.stdin.flush()
            status = self._process.stdout.readline()
            if not status:
                self._log.seek(0)
                raise RuntimeError(self._log.read())
            out, error = (Path(said, name).read_text(errors="replace") for name in ("out", "error"))
        return subprocess.CompletedProcess(asked, int(status), out, error)

    def close(self) -> None:
        """End the process; the next question begins another."""
        if self._process is None:
            return
        self._process.communicate()
        self._process = None
        if self._log is not None:
            self._log.close()


class Commands(Forks):
    """Runs `manage.py` of the project in `folder`, as it is at the first command."""

    def __init__(self, folder: Path, environment: Mapping[str, str], python: Path) -> None:
        super().__init__(folder, environment, python, COMMAND)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end. Raises RuntimeError where the project cannot even be loaded."""
        return self.ask(arguments)
