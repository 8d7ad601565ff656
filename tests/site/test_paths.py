"""Where data is kept, and who may read it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from goby_site import paths
from goby_site.accounts.demo_logins import ROLES, demo_passwords


def test_a_short_path_keeps_its_sockets_under_var(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOBY_VAR", str(tmp_path)[:60] + "/v" if len(str(tmp_path)) > 60 else str(tmp_path / "v"))
    folder = paths.socket_dir()
    assert folder.parent == paths.var_dir()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_long_path_gets_a_private_temporary_folder_that_is_always_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOBY_VAR", str(tmp_path / ("long" * 25)))
    folder = paths.socket_dir()
    try:
        assert paths.socket_dir() == folder
        assert len(os.fsencode(folder / "supervisor.sock")) <= paths.LONGEST_SOCKET_PATH
        assert folder.stat().st_mode & 0o777 == 0o700
    finally:
        folder.rmdir()


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="not a folder of yours"):
        paths.private_dir(tmp_path / "link")


def test_demo_passwords_are_made_once_for_each_role_and_are_private(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOBY_VAR", str(tmp_path / "var"))
    first = demo_passwords()
    assert tuple(first) == ROLES
    assert len(set(first.values())) == len(ROLES)
    assert demo_passwords() == first
    file = tmp_path / "var" / "demo-logins"
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("designer old\nadmin older\nviewer oldest\n")
    later = demo_passwords()
    assert (tuple(later), later["admin"], later) == (ROLES, "older", demo_passwords())
    assert file.stat().st_mode & 0o777 == 0o600
