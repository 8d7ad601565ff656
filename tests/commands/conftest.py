"""The small game, and commands run as the command line runs them, exit code included."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import ManagementUtility

from tests.support.game import game

__all__ = ["game"]


@dataclass(frozen=True)
class Ran:
    """The traces that a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def manage(capsys: pytest.CaptureFixture[str], transactional_db: None) -> Callable[..., Ran]:
    """`manage("run_script", "module/name")` → exit code, standard output, standard error."""

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = 0
        try:
            ManagementUtility(["manage.py", *arguments]).execute()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run
