"""A site's modules decide its limits, its fallbacks, and what a script runs on."""

from __future__ import annotations

import pytest

from scripting.modules.installed import fallbacks_for, limits_for, modules
from scripting.modules.scriptable import ModuleScriptConfig
from tests.support.arena import Arena


def test_limits_are_the_script_s_then_the_module_s_then_the_site_s(
    arena: Arena, settings: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SCRIPT_MAX_EXECUTION_TIME = 7.0  # type: ignore[attr-defined]
    assert limits_for("").max_execution_time == 7.0
    assert limits_for("arena").max_execution_time == 7.0
    monkeypatch.setattr(Arena, "config", ModuleScriptConfig(limits={"max_execution_time": 3.0}))
    assert limits_for("arena").max_execution_time == 3.0
    assert limits_for("arena", max_execution_time=1.0).max_execution_time == 1.0
    assert limits_for("unknown").max_execution_time == 7.0


def test_what_stands_in_is_the_module_s_choice_or_the_site_s(
    arena: Arena, settings: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SCRIPTING_FALLBACK = ("default",)  # type: ignore[attr-defined]
    assert fallbacks_for("arena") == ("default",)
    monkeypatch.setattr(Arena, "config", ModuleScriptConfig(fallback=()))
    assert fallbacks_for("arena") == ()


def test_of_a_module_that_is_not_installed_all_scripts_run_and_an_event_can_be_published(arena: Arena) -> None:
    gone = [("gone", "first"), ("gone", "second"), ("arena", "scorer")]
    assert modules.first_decides("arena.hit", gone) == []
