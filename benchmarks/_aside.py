"""A benchmark in a process of its own, on a stand with the shipped scripts: started from one side, set up on the other."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import Any

from benchmarks.throughput import answers, stand, wait_until
from goby_site.paths import BASE_DIR


def measured_aside(name: str) -> dict[str, Any]:
    """The document that `python -m benchmarks.<name>` prints last, with a Redis and a SQLite database of its own."""
    with stand("") as environment:
        answer = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}"],
            cwd=BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )
    return dict(json.loads(answer.stdout.splitlines()[-1]))


def set_up() -> None:
    """In that process: Django with the tables and the scripts as they are shipped."""
    import django

    django.setup()
    from django.core.management import call_command

    wait_until(answers, 10)
    with contextlib.redirect_stdout(sys.stderr):
        call_command("migrate", verbosity=0)
        call_command("sync_scripts")
