"""Shared by the tests of the installed package: its wheel, and an environment with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.embedding.studio import make_environment
from tests.support.wheel import build_wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel's file."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The python of an environment in which the wheel is installed."""
    folder = tmp_path_factory.mktemp("environment")
    for readable in (folder.parent, folder):  # by the user that sandboxes run as
        readable.chmod(0o755)
    return make_environment(folder / "venv", wheel)
