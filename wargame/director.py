"""The director: looks at each running game and publishes what happens next. It never changes a unit; scripts' outcomes do.

Of the game itself it changes only phase and turn, and its end when the turns are over. A step publishes and returns; what it
ordered shows in the units once workers have carried it out, and until then the director waits, with growing patience.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, IntegrityError, InterfaceError, close_old_connections, transaction

from scripting import clock
from scripting.bus import Overloaded, publishing
from scripting.processes import systemd
from scripting.processes.one_at_a_time import RENEW_SECONDS, STANDBY_SECONDS, OneAtATime
from wargame import rows
from wargame.battle import start_battle
from wargame.models import Game
from wargame.play import payloads, turns
from wargame.play.state import Battle, Phase
from wargame.play.steps import Sent

logger = logging.getLogger(__name__)

TICK_SECONDS = 2.0
SHORTEST_TICK = 0.05
PAUSE_SECONDS = 8.0
"""How long the end of a battle stays on the page before the next one begins."""
KEEP_BATTLES = 20
"""Finished demo battles whose log is kept; older ones are deleted, since the demo never stops."""
FIRST_PATIENCE = 10.0
LONGEST_PATIENCE = 300.0
"""Seconds before an order that nobody has carried out is given again: doubled each time, so that a queue without workers stays short."""
LONGEST_BACKOFF = 30.0
TEMPORARY = (DatabaseError, InterfaceError, redis.RedisError, OSError, Overloaded)
"""Errors that pass by themselves: a database or Redis that is unavailable, or too many events that wait."""


def tick_seconds() -> float:
    """Setting WARGAME_TICK_SECONDS: seconds from one attack to the next."""
    return max(SHORTEST_TICK, float(getattr(settings, "WARGAME_TICK_SECONDS", TICK_SECONDS)))


@dataclass
class Outstanding:
    """Orders that have been published and not carried out yet."""

    turn: int
    phase: str
    units: frozenset[str]
    """By code."""
    since: float
    patience: float = FIRST_PATIENCE


class Director:
    """`step` does one round; `run` repeats it. `clock` is monotonic seconds."""

    def __init__(
        self, *, publish: Callable[..., Any] = publishing.publish, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._publish = publish
        self._clock = clock
        self._outstanding: dict[int, Outstanding] = {}

    def run(self, stop: threading.Event) -> None:
        """Step after step until `stop` is set; of the directors of a site one at a time, and another within seconds of its death. Where database or Redis are unavailable it tries again, less and less often."""
        failures = 0
        turn = OneAtATime("director")
        while not stop.is_set():
            systemd.alive()
            if not turn.step():
                stop.wait(STANDBY_SECONDS)
                continue
            wait = tick_seconds()
            try:
                close_old_connections()
                self.step()
                failures = 0
            except TEMPORARY as error:
                failures += 1
                wait = min(LONGEST_BACKOFF, tick_seconds() * 2 ** min(failures, 6))
                logger.warning("the battle pauses for %.0f s: %s: %s", wait, type(error).__name__, error)
            self._wait(stop, wait, turn)
        turn.release()

    def _wait(self, stop: threading.Event, seconds: float, turn: OneAtATime) -> None:
        """Until the next step, and stay the one that makes it."""
        until = self._clock() + seconds
        while turn.step() and (left := until - self._clock()) > 0 and not stop.wait(min(left, RENEW_SECONDS)):
            systemd.alive()

    def step(self) -> int:
        """One round over all running games, and a new demo battle where none runs; returns how many events were published."""
        started = self.start_when_due()
        return started + sum(self.advance(game) for game in Game.objects.running().order_by("pk"))

    def start_when_due(self) -> int:
        """Begin a demo battle when none runs and the last one has been over for a while."""
        latest = Game.objects.filter(demo=True).order_by("-pk").first()
        if latest is not None:
            if latest.is_running:
                return 0
            if latest.ended is not None and (clock.now() - latest.ended).total_seconds() < PAUSE_SECONDS:
                return 0
        try:
            game = start_battle()
        except IntegrityError:
            return 0  # another director was quicker
        self._forget_old_battles()
        self._send(game, [Sent("wargame.game.start", payloads.start(rows.read(game).battle))])
        return 1

    def _forget_old_battles(self) -> None:
        finished = Game.objects.filter(demo=True, status=Game.Status.FINISHED).order_by("-pk")
        oldest_kept = finished.values_list("pk", flat=True)[KEEP_BATTLES - 1 : KEEP_BATTLES].first()
        if oldest_kept is not None:
            Game.objects.filter(demo=True, status=Game.Status.FINISHED, pk__lt=oldest_kept).delete()

    def advance(self, game: Game) -> int:
        """Take the next step of one game, unless orders are under way still."""
        with transaction.atomic():
            table = rows.locked(game)
            if not table.battle.is_running or self._waits(game, table.battle):
                return 0
            step = turns.advance(table.battle)
            rows.write(table, step)
        if units := turns.ordered(step):
            self._note(game, step.battle, units)
        self._send(game, step.events)
        return len(step.events)

    def _waits(self, game: Game, battle: Battle) -> bool:
        """Whether orders are on their way still."""
        ordered = self._outstanding.get(game.pk)
        if ordered is None or (ordered.turn, ordered.phase) != (battle.turn, battle.phase):
            self._outstanding.pop(game.pk, None)
            return False
        moving = battle.phase is Phase.MOVEMENT
        waiting = [
            unit
            for unit in battle.living()
            if unit.code in ordered.units and (unit.moved_turn if moving else unit.acted_turn) < battle.turn
        ]
        if not waiting:
            del self._outstanding[game.pk]
            return False
        if self._clock() - ordered.since < ordered.patience:
            return True
        logger.warning("game %s: nobody carries out orders; is a worker running?", game.pk)
        self._outstanding[game.pk] = Outstanding(
            battle.turn, battle.phase, frozenset(), self._clock(), min(LONGEST_PATIENCE, ordered.patience * 2)
        )
        return False

    def _note(self, game: Game, battle: Battle, units: frozenset[str]) -> None:
        """Before they are sent: an order that Redis took without our hearing of it must not be given twice at once."""
        before = self._outstanding.get(game.pk)
        patience = before.patience if before else FIRST_PATIENCE
        self._outstanding[game.pk] = Outstanding(battle.turn, battle.phase, units, self._clock(), patience)

    def _send(self, game: Game, events: Iterable[Sent]) -> None:
        for event in events:
            self._publish(event.topic, event.payload, key=game.key, metadata={"game_id": game.key}, dice=event.dice)
