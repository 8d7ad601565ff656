"""One script language as data: what the trusted side needs to know of it."""

from __future__ import annotations

from typing import NamedTuple


class Language(NamedTuple):
    """One script language: how its files end, how the editor shows it, where its LanguageEngine lives."""

    name: str
    suffix: str
    editor_mode: str
    engine: str
