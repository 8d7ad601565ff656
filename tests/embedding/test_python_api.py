"""docs/python-api.md: its names are those of the facade, and its examples pass `mypy --strict` outside of this project."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.embedding.studio import DOCS
from tests.support.pages_of_docs import blocks_of, write_block

pytestmark = pytest.mark.slow

PAGE = DOCS / "python-api.md"
FACADE = ("scripting.engine", "scripting.types", "scripting.modules", "scripting.bus")
VOCABULARY = """
    ScriptEngine ScriptRegistry EngineFactory LanguageEngine Script ExecutionRequest ScriptInput ScriptOutput ExecutionMetrics
    SecurityLimits ScriptError ErrorType ScriptableModule ModuleScriptConfig
""".split()
"""The words of the original for what it has too."""


def exported() -> dict[str, set[str]]:
    return {name: set(importlib.import_module(name).__all__) for name in FACADE}


def test_every_word_of_the_original_is_a_name_of_the_facade() -> None:
    names = set().union(*exported().values())
    assert set(VOCABULARY) - names == set()


def test_each_name_of_the_facade_is_there_and_on_the_page() -> None:
    rows = dict(re.findall(r"(?m)^\| `(scripting\.\w+)` \| (`\w+`.*) \|$", PAGE.read_text()))
    for module, names in exported().items():
        told = set(re.findall(r"`(\w+)`", rows[module]))
        assert names - told == set(), module
        assert all(hasattr(importlib.import_module(module), name) for name in names)
        assert {name for name in told - names if not name.islower()} == set(), module


NOT_SHOWN = """
[mypy-redis.*,rq.*,django_rq.*,opentelemetry.*]
follow_imports = skip
"""
"""Packages below the facade of which it shows nothing: to read their types takes mypy a quarter of its time."""


def test_the_examples_are_typed_for_outsiders(environment: Path, tmp_path: Path) -> None:
    written = [block for block in blocks_of(PAGE) if block.option]
    for block in written:
        write_block(block, tmp_path)
    wrong = tmp_path / "wrong.py"
    wrong.write_text("from scripting.types import SecurityLimits\n\nSecurityLimits(max_execution_time='5s')\n")
    config = tmp_path / "mypy.ini"
    config.write_text(f"[mypy]\n{NOT_SHOWN}")
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", environment, "--config-file", config]
    done = subprocess.run(
        [*command, "--cache-dir", os.devnull, *sorted(tmp_path.glob("*.py"))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert len(written) >= 3
    assert [line.split(": error:")[0] for line in done.stdout.splitlines() if ": error:" in line] == ["wrong.py:3"], (
        done.stdout + done.stderr
    )
