"""Which tests each pass of `make test` runs, and in which order: nothing runs again where nothing can come out otherwise.

- SQLite: every test.
- PostgreSQL: every test that may reach the database under test. pytest-django refuses the database to a test that asks for
  none of its fixtures, and a whole stack of a test works on a SQLite file of its own: these came out on SQLite already. So did
  browsers (`e2e`): they show what the pages' tests without one get from either database. `any_database` marks the few that
  reach it in a way of their own.
- A newer Python: the rooms where it can make a difference, which are the sandbox and its languages, processes, values and
  texts; of pages every address once, by every role (`tests/site`). Whole stacks and browsers are left out.
- `once` marks what is between our watcher and the kernel: no database and no Python changes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences", "live_server"}

WORKBENCH_PAGES = "draft_line", "journeys", "accessibility", "narrow", "trying", "following", "dialogs", "every_page"
ONE_STACK = {f"tests/workbench/test_{name}.py": "the workbench's pages" for name in WORKBENCH_PAGES} | {
    f"tests/embedding/test_{name}.py": "the installed wheel" for name in ("studio", "demo", "python_api", "wheel")
}
"""Files that share a stack or an environment, with a name for them all: one process of xdist runs them in this order, so one stack is started."""

LONG = ("e2e", "alone", "slow")
"""Markers of tests that take long, the longest first."""


def reaches_database(item: pytest.Item) -> bool:
    """Whether the test may come out differently on another database."""
    if item.get_closest_marker("once"):
        return False
    if item.get_closest_marker("e2e"):
        return item.get_closest_marker("any_database") is not None
    asks = DATABASE_FIXTURES.intersection(getattr(item, "fixturenames", ()))
    return bool(asks or item.get_closest_marker("django_db") or item.get_closest_marker("any_database"))


def longest_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """Files that share a stack, other files with long tests, the rest: at the end no process waits for a long file."""
    ranks: dict[str, int] = {}
    for item in items:
        rank = next((place for place, marker in enumerate(LONG) if item.get_closest_marker(marker)), len(LONG))
        ranks[group(item.nodeid)] = min(rank, ranks.get(group(item.nodeid), rank))

    def place(item: pytest.Item) -> tuple[int, int]:
        path = item.nodeid.split("::", 1)[0]
        return ranks[group(item.nodeid)], list(ONE_STACK).index(path) if path in ONE_STACK else len(ONE_STACK)

    return sorted(items, key=place)


def group(nodeid: str) -> str:
    """What one process runs as a whole: a file, or the files that share a stack."""
    path = nodeid.split("::", 1)[0]
    return ONE_STACK.get(path, path)


class ByStack(LoadScopeScheduling):
    """xdist's `loadfile`, but files that share a stack go to one process, and the order stays as collected."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
