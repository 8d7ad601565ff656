"""The daily check of ourselves: decisions of the live versions made again must come out as recorded, or nothing here can be proved."""

from __future__ import annotations

import logging

from scripting import clock
from scripting.evidence import corpus as corpora
from scripting.evidence.classes import Class
from scripting.evidence.corpus import Selection
from scripting.evidence.replays import live_bundle, replay
from scripting.models import RepeatCheck, Script
from scripting.registry.resolved import ScriptNotFound

logger = logging.getLogger("scripting.repeatability")

ALARM = "NOT REPEATABLE"
"""Begins the log's line of each script whose decisions came out otherwise: alert on it."""
OTHERWISE = (Class.CHANGED, Class.FAILING, Class.REFUSED, Class.FIXED, Class.LEFT)


def check(script: Script, last: int) -> RepeatCheck | None:
    """Repeat the newest decisions that its live version made; None where there are none. Raises SupervisorError for what is ours."""
    version = script.active_version
    if version is None or not script.enabled:
        return None
    corpus = corpora.resolve(script, Selection(last=last, version=version.number))
    try:
        live = live_bundle(script)
    except ScriptNotFound:
        return None
    if not corpus.ids:
        return None
    found = replay(corpus, live, live=live)
    counts = {each: found[each.value] for each in OTHERWISE if found[each.value]}
    different = sum(counts.values())
    now = clock.now()
    what = ", ".join(f"{count} {each.words}" for each, count in counts.items())
    example = found["changes"][0]["execution"] if found["changes"] else None
    kept, _ = RepeatCheck.objects.update_or_create(
        script=script,
        defaults={
            "checked_at": now,
            "events": found["events"] - found["not_replayable"],
            "not_replayable": found["not_replayable"],
            "different": different,
            "what": what[:300],
            "example_id": example,
        },
    )
    if different:
        logger.error(
            "%s: %s: %s of %s decisions of v%s come out otherwise than recorded (%s), for example execution %s",
            ALARM, script, different, kept.events, version.number, what, example,
        )  # fmt: skip
    return kept
