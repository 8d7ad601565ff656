"""Work that a page begins by itself after each change of its text: stopped once the text has changed again, since nobody waits for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from scripting.evidence.watching import watched
from scripting.supervisor.interface import Cancellation
from scripting.workbench import trials
from scripting.workbench.access import text_in


@contextlib.contextmanager
def stoppable(user: str, document: dict[str, Any]) -> Iterator[Cancellation]:
    """Cancelled by `trials.cancel` with the name that the page gave this request as `trial`; without a name, never."""
    name = trials.id_of(user, text_in(document, "trial", ""))
    if not name:
        yield Cancellation()
        return
    with watched(lambda: not trials.is_stopped(name), "what a page began by itself") as cancellation:
        yield cancellation
