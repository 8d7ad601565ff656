"""Another version went live while somebody wrote: how the two texts differ, and mine, theirs or both as the text to go on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scripting.models import Script, ScriptVersion
from scripting.texts.diff import Difference, difference
from scripting.texts.merge import BOTH, THEIRS, Merge, merge


@dataclass(frozen=True)
class Stale:
    """The version that became live meanwhile, beside the text that was to be published."""

    active: ScriptVersion | None
    by: str
    reason: str
    difference: Difference
    """From what is live to the text."""
    merge: Merge | None
    """None where the two are written in different languages."""

    @property
    def number(self) -> int:
        return self.active.number if self.active else 0


def stale(script: Script, base: ScriptVersion | None, text: str, language: str) -> Stale:
    """Changes of the script since `base`, the version that the text was started from."""
    active = script.active_version
    theirs = active.text if active else ""
    last = script.latest_activation()
    both = None
    if active is not None and active.language == language:
        both = merge(base.text if base else "", theirs, text)
    by, reason = (str(last.actor or ""), last.reason) if last else ("", "")
    return Stale(active, by, reason, difference(theirs, text), both)


def chosen_text(found: Stale, text: str, language: str, form: Mapping[str, str]) -> tuple[str, str, str]:
    """The text to go on with, its language, and what to say of it, by the answers of a form. Nothing is published by it.

    Raises ValueError for both texts while a place that both changed is not decided.
    """
    choice = form.get("_settle")
    if choice == THEIRS and found.active is not None:
        return found.active.text, found.active.language, f"This is v{found.number}, which is live."
    if choice == BOTH and found.merge is not None:
        together = found.merge.decided([chosen for _, chosen in found.merge.places(form)])
        return together, language, "Both sets of changes are in the text now. Look at it, then publish it."
    return text, language, f"This is your text. Publishing it replaces v{found.number}, which stays in the history."
