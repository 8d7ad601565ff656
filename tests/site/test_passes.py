"""Which tests a pass of `make test` runs, in which order, and who runs them together."""

from __future__ import annotations

import re

import pytest

from goby_site.paths import BASE_DIR
from tests.support import passes


def test_every_file_that_uses_the_workbenchs_stack_runs_in_a_row_with_the_others() -> None:
    """A file left out would start a stack of its own; two processes share them, so that none is the last to end by far."""
    files = (BASE_DIR / "tests" / "workbench").glob("test_*.py")
    users = {str(path.relative_to(BASE_DIR)) for path in files if "pytest.mark.e2e" in path.read_text()}
    assert users == {name for name in passes.ONE_STACK if name.startswith("tests/workbench/")}
    stacks = {f"the workbench's pages, {which} stack" for which in ("first", "second")}
    assert {passes.group(f"{name}::test_of_it") for name in users} == stacks


def test_every_file_that_looks_at_the_test_server_in_a_browser_runs_in_a_row_with_the_others() -> None:
    """A file left out would start a browser of its own."""
    texts = {str(path.relative_to(BASE_DIR)): path.read_text() for path in (BASE_DIR / "tests").glob("*/test_*.py")}
    users = {name for name, text in texts.items() if re.search(r"\bpage: Page,.* live_server: \w", text)}
    assert users == {f"tests/{name}.py" for name in passes.SITE_PAGES}
    assert {passes.group(f"{name}::test_of_it") for name in users} == {"the site's pages, one browser"}


def test_what_is_left_out_is_there_and_each_has_its_reason() -> None:
    """A file that was renamed would run again unnoticed."""
    for table in (passes.SAME_ON_POSTGRESQL, passes.SAME_ON_NEWER_PYTHON):
        assert [path for path, reason in table.items() if not reason or not (BASE_DIR / path).exists()] == []


def test_a_name_that_only_begins_alike_is_not_left_out() -> None:
    table = {"tests/site/test_a.py": "", "tests/admin": ""}
    assert passes.left_out("tests/admin/test_x.py", table)
    assert not passes.left_out("tests/administration/test_x.py", table)
    assert not passes.left_out("tests/site/test_a.pyi", table)


@pytest.mark.e2e
def test_of_whole_stacks_the_marked_run_on_a_newer_python(request: pytest.FixtureRequest) -> None:
    assert not passes.reaches_python(request.node)
    request.node.add_marker("any_python")
    assert passes.reaches_python(request.node)


def test_one_that_asks_for_no_database_does_not_run_on_postgresql(request: pytest.FixtureRequest) -> None:
    assert not passes.reaches_database(request.node)


@pytest.mark.slow
@pytest.mark.django_db
def test_one_that_is_marked_runs_on_postgresql(request: pytest.FixtureRequest) -> None:
    assert passes.reaches_database(request.node)


def test_one_that_asks_for_a_fixture_of_the_database_runs_on_postgresql(
    transactional_db: None, request: pytest.FixtureRequest
) -> None:
    assert passes.reaches_database(request.node)


@pytest.mark.django_db
def test_of_a_file_that_is_left_out_the_marked_run_on_postgresql(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setitem(passes.SAME_ON_POSTGRESQL, "tests/site/test_passes.py", "a reason")
    assert not passes.reaches_database(request.node)
    request.node.add_marker("any_database")
    assert passes.reaches_database(request.node)


@pytest.mark.django_db
@pytest.mark.parametrize("marker", ["e2e", "once"])
def test_a_browser_and_what_no_database_changes_do_not_run_on_postgresql(
    marker: str, request: pytest.FixtureRequest
) -> None:
    request.node.add_marker(marker)
    assert not passes.reaches_database(request.node)


def test_long_ones_come_first_and_none_is_lost(request: pytest.FixtureRequest) -> None:
    items = request.session.items
    ordered = passes.longest_first(items[::-1])
    assert sorted(item.nodeid for item in ordered) == sorted(item.nodeid for item in items)
    files = [passes.file_of(item.nodeid) for item in ordered]
    marked = {passes.file_of(item.nodeid) for item in items if any(map(item.get_closest_marker, passes.LONG))}
    first = {passes.file_of(item.nodeid) for item in items if passes.has_loop_beside_browsers(item)}
    long = (marked | passes.LONG_TOGETHER.intersection(files)) - first
    lengths = [sum(name in group for name in files) for group in (first, long)]
    assert set(files[: lengths[0]]) == first
    assert set(files[lengths[0] : sum(lengths)]) == long
