"""The parameters of a query string, as lists with filters read them: nonsense is named and left out, never an error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime

LONGEST = 200
"""Characters of a parameter that are read."""


class Asked:
    """One query string. `problems` grows with what made no sense."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._query = query
        self.problems: list[str] = []

    def text(self, name: str) -> str:
        return self._query.get(name, "").strip().replace("\0", "")[:LONGEST]

    def number(self, name: str) -> int | None:
        given = self.text(name)
        found = as_number(given)
        if given and found is None:
            self.problems.append(f"{name} must be a number")
        return found

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        given = self.text(name)
        if given and given not in choices:
            self.problems.append(f"{name} must be one of {', '.join(choices)}")
            return ""
        return given

    def moment(self, name: str) -> datetime | None:
        """In the site's zone where it names none."""
        given = self.text(name)
        if not given:
            return None
        try:
            found = parse_datetime(given)
        except ValueError:
            found = None
        if found is None or not 1980 < found.year < 2200:
            self.problems.append(f"{name} must be a time such as 2030-01-31T12:00")
            return None
        return timezone.make_aware(found) if timezone.is_naive(found) else found


def as_number(text: str | None) -> int | None:
    """A whole number that a database can hold; None for none, or for nonsense."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 18 else None
