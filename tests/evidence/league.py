"""The arena as a module that simulates its play: two people score in ten rounds, and the higher score wins."""

from __future__ import annotations

import random

from scripting.modules.simulation import Decide
from scripting.types import SimulatedPlay
from tests.support.arena import Arena

LIVE = "result = {'points': message['payload']['points']}"
LUCKY = "result = {'points': message['payload']['points'] + (2 if get_score() > 3 else 0)}"
BROKEN = "result = {'points': 1 // 0}"


class League(Arena):
    """A match is over after ten rounds."""

    play_noun = "match"
    play_measures = {"points": "points of both"}
    play_shares = ("ada wins", "bo wins")

    def simulate(self, decide: Decide, seed: int) -> SimulatedPlay:
        dice = random.Random(seed)
        scores, log = {"ada": 0, "bo": 0}, []
        for _ in range(5):
            for name in ("ada", "bo"):
                thrown = dice.randint(1, 6)
                decision = decide("scorer", "arena.hit", {"points": thrown}, lambda *_, name=name: scores[name])
                points = decision.result["points"] if decision.ok else thrown
                scores[name] += points
                log.append({"who": name, "points": points})
        best = max(scores.values())
        winners = [name for name, score in scores.items() if score == best]
        measures = {"points": sum(scores.values()), **{f"{name} wins": float(winners == [name]) for name in scores}}
        return SimulatedPlay(measures, winners[0] if len(winners) == 1 else "nobody", tuple(log))
