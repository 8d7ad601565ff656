"""When the migrated database that tests keep is the right one for the next run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import migrated

pytestmark = pytest.mark.once


def test_the_tables_follow_from_models_and_migrations_and_the_rows_from_any_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrated, "BASE_DIR", tmp_path)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "runtime.txt").write_text("django==5.2")
    model, other = tmp_path / "scripting" / "models" / "cases.py", tmp_path / "goby_site" / "roles.py"
    for module in (model, other):
        module.parent.mkdir(parents=True)
        module.write_text("")

    def states() -> tuple[str, str]:
        return migrated.state(), migrated.state(migrated.everything)

    first = states()
    other.write_text("ROLES = 4")
    second = states()
    assert (first[0] == second[0], first[1] == second[1]) == (True, False)
    model.write_text("class Case: ...")
    third = states()
    assert (second[0] == third[0], second[1] == third[1]) == (False, False)
