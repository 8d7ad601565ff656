"""The package as others install it: its wheel, built from what this clone would commit."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from goby_site.paths import BASE_DIR

LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "var", "img", "tests", "benchmarks")


def build_wheel(folder: Path) -> Path:
    """The wheel's file, in a new folder below `folder`. Built from a copy: setuptools leaves its own output in the source."""
    source = folder / "source"
    shutil.copytree(BASE_DIR, source, ignore=LEFT_OUT)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    made = subprocess.run(
        [*command, "--disable-pip-version-check", "--wheel-dir", folder / "dist", source],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    [wheel] = (folder / "dist").glob("*.whl")
    return wheel
