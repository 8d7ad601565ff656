"""The classes of a replay: one for each recorded execution, by its outcome before and after."""

from __future__ import annotations

import enum

from scripting.evidence.decide import Decided
from scripting.execution.comparison import DECIDING, differing


class Class(enum.StrEnum):
    """The comparison of one execution. `value` names it in JSON, `words` on pages."""

    SAME = "same"
    CHANGED = "changed"
    FAILING = "failing"
    REFUSED = "refused"
    FIXED = "fixed"
    LEFT = "left"
    NOT_REPLAYABLE = "not_replayable"

    @property
    def words(self) -> str:
        return _WORDS[self]


_WORDS = {
    Class.SAME: "same",
    Class.CHANGED: "changed",
    Class.FAILING: "newly failing",
    Class.REFUSED: "newly refused by the game",
    Class.FIXED: "fixed",
    Class.LEFT: "left the recording",
    Class.NOT_REPLAYABLE: "not replayable",
}


def classify(before: Decided, after: Decided) -> Class:
    """The class of an execution that both sides have decided. A log that differs makes no other decision."""
    if after.left or before.left:
        return Class.LEFT
    wrong_before = before.failed or bool(before.refusal)
    if after.failed and not before.failed:
        return Class.FAILING
    if after.refusal and not wrong_before:
        return Class.REFUSED
    if wrong_before and not after.failed and not after.refusal:
        return Class.FIXED
    if before.refusal != after.refusal or set(differing(before.compared, after.compared)) & set(DECIDING):
        return Class.CHANGED
    return Class.SAME
