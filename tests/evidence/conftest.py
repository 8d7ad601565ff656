"""The wargame with its rules as shipped."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from scripting.models import Script
from scripting.sources.sync import sync
from tests.support.engine import arena, no_sandbox_left

__all__ = ["arena", "damage", "no_sandbox_left"]


@pytest.fixture
def damage(tmp_path: Path, settings: Settings, transactional_db: None) -> Script:
    """damage_calculator, live as shipped."""
    settings.SCRIPTING_SCRIPTS_DIR = tmp_path / "scripts"
    sync()
    return Script.objects.get(module="wargame", name="damage_calculator")
