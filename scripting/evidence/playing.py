"""Play pairs of whole plays, by the live scripts and by a candidate, side by side in warm sandboxes."""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter, deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import msgspec
from django.db import connections

from scripting.evidence import play_process
from scripting.evidence.play_decide import Asking, Cancelled, Contender, Rules
from scripting.evidence.play_tally import PlayTally
from scripting.evidence.time_limit import cancelled_after
from scripting.models import Script, ScriptVersion
from scripting.modules.installed import limits_for, modules
from scripting.modules.scriptable import ScriptableModule
from scripting.registry.active import registry
from scripting.supervisor.interface import Cancellation
from scripting.types import Bundle, SimulatedPlay

logger = logging.getLogger(__name__)

AHEAD = 4
"""Pairs that are begun before an earlier one is looked at."""
WORTH_A_PROCESS = 100
"""Pairs from which on a second process plays too: it takes a second to start."""


class NotSimulated(Exception):
    """This module does not simulate its play: it has no `simulate`, so its scripts can be replayed, not played."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class Sides(msgspec.Struct, frozen=True):
    """The bundles that decide on a side: by script of the module its bundle, then its fallbacks. A script without is left to the built-in rule."""

    live: dict[str, tuple[Contender, ...]]
    draft: dict[str, tuple[Contender, ...]]

    @property
    def digest(self) -> str:
        """sha256 (hex) over both sides."""
        return ScriptVersion.digest_of(repr([digests(self.live), digests(self.draft)]).encode())


def digests(side: Mapping[str, Sequence[Contender]]) -> list[tuple[str, list[str]]]:
    """Of the bundles of a side, by script: two sides with equal ones decide alike."""
    return sorted((name, [each.bundle.digest for each in few]) for name, few in side.items())


@dataclass(frozen=True)
class Played:
    """A play, and what failed in it: by script and error, how many decisions."""

    play: SimulatedPlay
    failures: Counter[str]


def module_of(name: str) -> ScriptableModule:
    """Raises NotSimulated."""
    module = modules.get(name)
    if module is None or not module.simulates:
        raise NotSimulated
    return module


def noun_of(name: str, count: int = 1) -> str:
    """The word for a unit of a module's play: `match`, or `matches` for several."""
    module = modules.get(name)
    noun = module.play_noun if module else ScriptableModule.play_noun
    if count == 1:
        return noun
    return f"{noun}es" if noun.endswith(("s", "x", "z", "ch", "sh")) else f"{noun}s"


def sides_with(module: str, candidates: Mapping[str, Bundle]) -> Sides:
    """Compare what is live in a module with the same after these bundles took the place of theirs."""
    found = registry.take([(module, name) for name in _names(module)])
    live = {
        name: tuple(Contender(each.bundle, each.info) for each in (script.active, *script.fallbacks))
        for (_, name), script in sorted(found.items())
        if script.enabled
    }
    tried = {
        name: (Contender(bundle, live[name][0].version if name in live else None), *live.get(name, ()))
        for name, bundle in candidates.items()
    }
    return Sides(live, {**live, **tried})


def _names(module: str) -> list[str]:
    scripts = Script.objects.in_use().filter(module=module).exclude(active_version=None).order_by("name")
    return list(scripts.values_list("name", flat=True))


def rules_of(module: str, side: Mapping[str, Sequence[Contender]], cancellation: Cancellation) -> Rules:
    """A side, ready to decide. Raises NotSimulated."""
    changes = {script.name: script.limit_changes() for script in Script.objects.in_use().filter(module=module)}
    limits = {name: limits_for(module, **changes.get(name, {})) for name in side}
    return Rules(module_of(module), side, limits, cancellation)


def play_of(module: str, side: Mapping[str, Sequence[Contender]], seed: int, *, seconds: float = 20.0) -> Played:
    """One play by a side, to show it step by step while somebody waits.

    Raises NotSimulated, Cancelled after so many seconds, SupervisorError for what is ours.
    """
    with cancelled_after(seconds) as cancellation:
        return play(rules_of(module, side, cancellation), seed)


def play(rules: Rules, seed: int) -> Played:
    """One play. Raises Cancelled, SupervisorError for what is ours."""
    asking = Asking(rules, seed)
    found = rules.module.simulate(asking, seed)
    return Played(found, asking.failures)


def compare(
    module: str, sides: Sides, seeds: Sequence[int], tally: PlayTally, *, cancellation: Cancellation | None = None
) -> Generator[None, None, None]:
    """Play one pair after the other into the tally, in the order of the seeds, a step for each; a cancel ends it within a decision.

    Whoever stops early closes it. Raises NotSimulated, MeasuresDiffer, SupervisorError for what is ours.
    """
    watch = cancellation or Cancellation()
    players = Players(module, sides, watch, two=len(seeds) >= WORTH_A_PROCESS)
    waiting: deque[tuple[int, Future[play_process.Played], Future[play_process.Played]]] = deque()
    rest = iter(seeds)
    try:
        while True:
            while len(waiting) < AHEAD and (seed := next(rest, None)) is not None:
                waiting.append((seed, players.play(0, seed), players.play(1, seed)))
            if not waiting:
                return
            seed, before, after = waiting.popleft()
            try:
                one, other = before.result(), after.result()
            except Cancelled:
                return
            tally.add(seed, one, other)
            yield
    except GeneratorExit:
        watch.cancel()  # plays that nobody looks at any more
        raise
    finally:
        players.close()


class Players:
    """Whoever plays: a thread of this process and, where so many plays are worth it, a second process."""

    def __init__(self, module: str, sides: Sides, cancellation: Cancellation, *, two: bool) -> None:
        self._rules = [rules_of(module, side, cancellation) for side in (sides.live, sides.draft)]
        self._cancellation = cancellation
        self._second: play_process.SecondProcess | None = None
        if two:
            limits = {name: limit for rules in self._rules for name, limit in rules.limits.items()}
            begin = msgspec.msgpack.encode(play_process.Begin(module, sides.live, sides.draft, limits))
            self._second = play_process.SecondProcess(begin, os.environ["DJANGO_SETTINGS_MODULE"])
        self._threads = ThreadPoolExecutor(2 if two else 1, thread_name_prefix="plays")
        self._here = threading.Lock()
        """Held by the one thread that plays here: a run can be killed by one cancellation alone."""

    def play(self, side: int, seed: int) -> Future[play_process.Played]:
        """A play to come. It raises Cancelled, SupervisorError for what is ours."""
        return self._threads.submit(self._play, side, seed)

    def _play(self, side: int, seed: int) -> play_process.Played:
        if not self._here.acquire(blocking=self._second is None):
            second = self._second
            if second is not None:
                try:
                    return second.play(side, seed, self._cancellation)
                except play_process.Failed as error:
                    self._give_up(second, str(error))
            self._here.acquire()
        try:
            found = play(self._rules[side], seed)
            return play_process.Played.of(found.play, found.failures)
        finally:
            connections.close_all()  # what it asked the database for, it asked by a connection of this thread's
            self._here.release()

    def _give_up(self, second: play_process.SecondProcess, why: str) -> None:
        self._second = None
        second.close()
        if self._cancellation.cancelled:
            raise Cancelled
        logger.warning("the second process plays no more, so one core plays alone: %s", why)

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        if self._second is not None:
            self._second.close()
