"""Management commands of a project, each in a fork of one process that has loaded it: to load it takes longer than most of them."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

PROGRAM = """
import gc, importlib, json, os, runpy, sys
import django
from django.core.management import get_commands, load_command_class

django.setup()
for line in sys.stdin:
    arguments, folder = json.loads(line)
    load_command_class(get_commands()[arguments[0]], arguments[0])
    gc.collect()
    gc.freeze()
    gc.disable()  # a command ends before its memory runs short
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
sys.argv = ["manage.py", *arguments]
runpy.run_path("manage.py", run_name="__main__")
"""
"""The child leaves the loop and goes on as the project's `manage.py`; the parent opens no connection and starts no thread."""


class Commands:
    """Runs `manage.py` of the project in `folder`, as it is at the first command. `close` when no more are to come."""

    def __init__(self, folder: Path, environment: Mapping[str, str], python: Path) -> None:
        self.folder, self.environment, self.python = folder, environment, python
        self._process: subprocess.Popen[str] | None = None
        self._log: IO[Any] | None = None

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end. Raises RuntimeError where the project cannot even be loaded."""
        if self._process is None:
            self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by `close`
            self._process = subprocess.Popen(
                [self.python, "-c", PROGRAM],
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
            self._process.stdin.write(json.dumps([arguments, said]) + "\n")
            self._process.stdin.flush()
            status = self._process.stdout.readline()
            if not status:
                self._log.seek(0)
                raise RuntimeError(self._log.read())
            out, error = (Path(said, name).read_text(errors="replace") for name in ("out", "error"))
        return subprocess.CompletedProcess(["manage.py", *arguments], int(status), out, error)

    def close(self) -> None:
        """End the process; the next command begins another."""
        if self._process is None:
            return
        self._process.communicate()
        self._process = None
        if self._log is not None:
            self._log.close()
