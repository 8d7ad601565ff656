"""A process of xdist tells the one that hands out tests how each came out, and nothing that this would only throw away.

Each message costs both of them a quarter of a millisecond; of the six about a test that passes, three tell nothing that is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

SLOW_SECONDS = 0.1
"""A test that took as long is told also where it passed: `--durations` lists it."""


def tell_less(config: pytest.Config) -> None:
    """In a process of xdist, of a run that shows each test as one sign."""
    if not hasattr(config, "workerinput") or config.option.verbose > 0 or config.option.xmlpath:
        return
    for teller in config.pluginmanager.get_plugins():
        if tell := getattr(teller, "sendevent", None):
            teller.sendevent = partial(tell_what_counts, tell)


def tell_what_counts(tell: Callable[..., None], name: str, **told: Any) -> None:
    """Tell it if the run shows or counts it."""
    if is_shown(name, told.get("data", {})):
        tell(name, **told)


def is_shown(name: str, report: dict[str, Any]) -> bool:
    """Whether the run shows or counts it: not that a test begins, nor that what is around it went well, quickly and without words."""
    if name == "logstart":
        return False
    is_around = name == "testreport" and report["when"] != "call"
    went_well = is_around and report["outcome"] == "passed" and not report["sections"]
    return not went_well or report["duration"] >= SLOW_SECONDS
