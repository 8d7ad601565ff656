"""The index of the docs: every page is on it, and every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from goby_site.paths import BASE_DIR

DOCS = BASE_DIR / "docs"


def test_every_page_is_on_the_index() -> None:
    linked = set(re.findall(r"\(([a-z-]+\.md)\)", (DOCS / "README.md").read_text()))
    assert linked == {page.name for page in DOCS.glob("*.md")} - {"README.md"}


@pytest.mark.parametrize("page", sorted([*DOCS.rglob("*.md"), BASE_DIR / "README.md"]), ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
