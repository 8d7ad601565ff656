"""What the tests of the installed package share: its wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.wheel import build_wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel's file."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))
