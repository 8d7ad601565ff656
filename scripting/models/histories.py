"""The manager of histories, made once: simple-history makes a class of it whenever somebody asks for a history, with each save too."""

from __future__ import annotations

import functools
from typing import Any

from simple_history.manager import HistoryManager


class HistoryAtHand(HistoryManager):  # type: ignore[misc] # simple-history is not typed
    """simple-history's own."""

    @classmethod
    @functools.cache
    def from_queryset(cls, queryset_class: type[Any], class_name: str | None = None) -> type[Any]:
        made: type[Any] = super().from_queryset(queryset_class, class_name)
        return made
