"""Which tests a pass of `make test` runs, in which order, and who runs them together."""

from __future__ import annotations

import pytest

from goby_site.paths import BASE_DIR
from tests.support import passes


def test_every_file_that_uses_the_workbenchs_stack_runs_in_a_row_with_the_others() -> None:
    """A file left out would start a stack of its own."""
    files = (BASE_DIR / "tests" / "workbench").glob("test_*.py")
    users = {str(path.relative_to(BASE_DIR)) for path in files if "pytest.mark.e2e" in path.read_text()}
    assert users == {name for name in passes.ONE_STACK if name.startswith("tests/workbench/")}
    assert {passes.group(f"{name}::test_of_it") for name in users} == {"the workbench's pages"}


def test_one_that_asks_for_no_database_does_not_run_on_postgresql(request: pytest.FixtureRequest) -> None:
    assert not passes.reaches_database(request.node)


@pytest.mark.django_db
def test_one_that_is_marked_runs_on_postgresql(request: pytest.FixtureRequest) -> None:
    assert passes.reaches_database(request.node)


def test_one_that_asks_for_a_fixture_of_the_database_runs_on_postgresql(
    transactional_db: None, request: pytest.FixtureRequest
) -> None:
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
    long = [path(item) for item in items if any(map(item.get_closest_marker, passes.LONG))]
    assert {path(item) for item in ordered[: sum(path(item) in long for item in items)]} == set(long)


def path(item: pytest.Item) -> str:
    return item.nodeid.split("::", 1)[0]
