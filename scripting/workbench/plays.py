"""Whole plays in the workbench: which candidate is played against what is live, and the report as its page shows it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import redis
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.files.uploadedfile import UploadedFile

from scripting.bus import evidence_jobs
from scripting.evidence import play_jobs, playing
from scripting.evidence.play_words import MeasureWords
from scripting.evidence.playing import Sides
from scripting.evidence.replays import candidate_of
from scripting.models import PlayComparison, Script
from scripting.modules.installed import modules
from scripting.registry.resolved import ScriptNotFound
from scripting.types import Bundle
from scripting.workbench import replay_forms, replays
from scripting.workbench.access import Refusal
from scripting.workbench.frame import whole_number
from scripting.workbench.replays import Distribution

logger = logging.getLogger(__name__)

SIZES = (50, 200, 500, 1000)
USUAL = 200
KNOBS = "knobs-"
"""Before the number of a set of values that is a candidate."""


@dataclass(frozen=True)
class Words:
    """A module's word for its plays."""

    one: str
    several: str

    @staticmethod
    def of(module: str) -> Words:
        return Words(playing.noun_of(module), playing.noun_of(module, 2))


def can_be_played(script: Script) -> bool:
    """Whether the script's module simulates its play."""
    module = modules.get(script.module)
    return module is not None and module.simulates


def compared(
    script: Script, user: AbstractBaseUser | AnonymousUser, post: Mapping[str, str], upload: UploadedFile[bytes] | None
) -> PlayComparison:
    """The comparison that the form asks for, at work or done. Raises Refusal."""
    if not can_be_played(script):
        raise Refusal(409, "not_simulated", str(playing.NotSimulated()))
    plays, seed = whole_number(post.get("plays", "")), whole_number(post.get("seed", "1"))
    if not 1 <= plays <= SIZES[-1]:
        several = Words.of(script.module).several
        raise Refusal(422, "wrong_size", f"Choose how many {several} to play, from 1 to {SIZES[-1]}.")
    bundle, title = candidate(script, user, post.get("candidate", ""), upload)
    sides = playing.sides_with(script.module, {script.name: bundle})
    return ask(script, sides, title, plays=plays, seed=seed, stops_early=post.get("all") != "1", user=user)


def ask(
    script: Script,
    sides: Sides,
    title: str,
    *,
    plays: int,
    seed: int,
    stops_early: bool,
    user: AbstractBaseUser | AnonymousUser,
) -> PlayComparison:
    """Raises Refusal."""
    try:
        return play_jobs.ask(
            script, sides, title=title, plays=plays, seed=seed, stops_early=stops_early, user=user.get_username()
        )
    except redis.RedisError as error:
        logger.warning("plays of %s wait for Redis: %s", script, error)
        raise Refusal(503, "unavailable", "Redis does not answer, so no evidence worker hears of it: try again.") from None  # fmt: skip


def candidate(
    script: Script, user: AbstractBaseUser | AnonymousUser, which: str, upload: UploadedFile[bytes] | None
) -> tuple[Bundle, str]:
    """The draft, a file, a version, or values of knobs with the live text, and its title. Raises Refusal."""
    if upload is None and which.startswith(KNOBS):
        return of_knobs(script, whole_number(which.removeprefix(KNOBS)))
    source, language, title = replay_forms.candidate(script, user, which, upload)
    replays.demand_check(script, source, language)
    return candidate_of(script, source, language), title


def of_knobs(script: Script, number: int) -> tuple[Bundle, str]:
    """Raises Refusal."""
    version, knobs = script.active_version, script.knob_sets.filter(number=number).first()
    if version is None:
        raise replays.nothing_live()
    if knobs is None:
        raise Refusal(404, "no_knobs", f"There are no knobs {number} of this script.")
    return candidate_of(script, version.text, version.language, knobs.all_values), f"knobs {number}"


def goes_on(found: PlayComparison, user: AbstractBaseUser | AnonymousUser) -> PlayComparison:
    """The same comparison without an early end: looking on is allowed, since its intervals hold at every moment. Raises Refusal."""
    return ask(
        found.script,
        play_jobs.sides_of(found),
        found.title,
        plays=found.asked,
        seed=found.seed,
        stops_early=False,
        user=user,
    )


def is_still_live(found: PlayComparison) -> bool:
    """Whether it was compared with what is live now."""
    try:
        live = playing.sides_with(found.script.module, {}).live
    except ScriptNotFound:
        return False
    return playing.digests(live) == playing.digests(play_jobs.sides_of(found).live)


def unserved(found: PlayComparison) -> bool:
    """Whether it waits for an evidence worker that nobody started."""
    try:
        return found.is_unfinished and not evidence_jobs.is_served()
    except redis.RedisError:
        return False


# -- as shapes for the page ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measure:
    """A row of the table, and its two histograms."""

    title: str
    figures: Mapping[str, Any]
    live: str
    draft: str
    difference: str
    interval: str
    shape: Distribution | None
    """None of a share: two bars would say what its mean says."""


def measures(found: PlayComparison) -> list[Measure]:
    """Those that differ beyond doubt first, else as the module names them."""
    words = MeasureWords.of(found.script.module)
    rows = [
        Measure(
            words.title(name),
            figures,
            words.mean(name, figures["live"]),
            words.mean(name, figures["draft"]),
            words.change(name, figures["difference"]),
            words.interval(name, figures["low"], figures["high"], unknown="too few plays to tell"),
            None if name in words.shares else replays.distribution(words.title(name), figures),
        )
        for name, figures in found.document.get("measures", {}).items()
    ]
    return sorted(rows, key=lambda row: not row.figures["clear"])


def has_shares(module: str) -> bool:
    """Whether the report speaks of percentage points."""
    return bool(MeasureWords.of(module).shares)


def listed(measures: Mapping[str, float], module: str) -> Iterable[tuple[str, str]]:
    """Of one play."""
    words = MeasureWords.of(module)
    return [(words.title(name), words.once(name, value)) for name, value in measures.items()]
