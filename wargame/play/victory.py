"""When a battle is decided, and its end."""

from __future__ import annotations

from wargame.play.state import Battle, Phase
from wargame.play.steps import Draft, Kind

ROUTED_BELOW = 0.25
"""A side with less than this part of its starting health left has lost."""
TURN_LIMIT = 30


def decided(battle: Battle) -> tuple[str | None, str] | None:
    """(key of the winner, how) once a side is destroyed or routed, or the turns are over; None while the battle is open."""
    strength = {key: _strength(battle, key) for key in battle.sides}
    names = {key: side.name for key, side in battle.sides.items()}
    broken = [key for key, part in strength.items() if part < ROUTED_BELOW]
    standing = [key for key in strength if key not in broken]
    if len(standing) == 1:
        loser = broken[0]
        how = "destroyed" if strength[loser] == 0 else "routed"
        return standing[0], f"{names[standing[0]]} wins: {names[loser]} is {how}"
    if not standing:
        return None, "Both sides are broken: nobody wins"
    if battle.turn > TURN_LIMIT:
        best = sorted(strength.items(), key=lambda item: item[1], reverse=True)
        if best[0][1] == best[1][1]:
            return None, f"Nobody wins within {TURN_LIMIT} turns"
        return best[0][0], f"{names[best[0][0]]} holds the field after {TURN_LIMIT} turns"
    return None


def _strength(battle: Battle, side: str) -> float:
    """The part of its health that a side has left."""
    units = [unit for unit in battle.units.values() if unit.side == side]
    return sum(unit.health for unit in units) / max(1, sum(unit.max_health for unit in units))


def end_if_decided(draft: Draft) -> bool:
    """End the battle where it is decided, and say so; whether it was."""
    verdict = decided(draft.battle)
    if verdict is None:
        return False
    winner, how = verdict
    draft.set(phase=Phase.OVER, winner=winner, outcome=how)
    draft.say(Kind.END, f"{how}.")
    return True
