"""One script language as data: what the trusted side needs to know of it."""

from __future__ import annotations

from typing import NamedTuple

EVENT, ENDPOINT, HELPER = "event", "endpoint", "helper"
"""Kinds of templates: a script that answers an event, one that answers a request to an endpoint, a helper."""


class Language(NamedTuple):
    """One script language: how its files end, how the editor shows it, where its LanguageEngine and its templates live."""

    name: str
    suffix: str
    editor_mode: str
    engine: str
    templates: str = ""
    """Dotted name of the texts that new scripts begin with: a dict from EVENT, ENDPOINT and HELPER, in a module of data. Empty: none."""
