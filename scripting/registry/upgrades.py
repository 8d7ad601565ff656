"""Find new embedded defaults under overridden scripts, and merge them."""

from __future__ import annotations

from dataclasses import dataclass

from scripting.models import Script, ScriptVersion
from scripting.texts.merge import Merge, merge


@dataclass(frozen=True)
class Upgrade:
    """A default that shipped after the active version was chosen."""

    base: ScriptVersion | None
    """The default that the active version was chosen over; None if there was none."""
    default: ScriptVersion
    """The new one."""
    mine: ScriptVersion
    """The active version."""

    @property
    def merge(self) -> Merge | None:
        """Both changes in one text, to be published; None where the languages differ."""
        languages = {version.language for version in (self.base, self.default, self.mine) if version is not None}
        if len(languages) > 1:
            return None
        base = self.base.text if self.base else ""
        return merge(base, self.default.text, self.mine.text)


def upgrade_of(script: Script) -> Upgrade | None:
    """The upgrade that waits for somebody's decision. Publishing or rolling back afterwards is one: none waits then."""
    mine, default = script.active_version, script.default_version
    if mine is None or default is None or mine == default:
        return None
    chosen = script.activations.order_by("-id").first()
    if chosen is None:
        return None
    then = script.history.filter(history_date__lte=chosen.created_at).order_by("-history_id").first()
    if then is None or then.default_version_id == default.pk:
        return None
    base = ScriptVersion.objects.filter(pk=then.default_version_id).first() if then.default_version_id else None
    return Upgrade(base, default, mine)
