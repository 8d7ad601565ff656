"""How much damage does a hit do?

Runs for every hit (topic wargame.hit). Without any input it takes a tank that hits infantry, so you can try it right away.
Result: {"damage": points, "base_damage": points before luck and armour, "critical": True or False, "message": text}
"""

# --- Tune these -----------------------------------------------------------
CRITICAL_CHANCE = 0.10     # knob 0..1 step 0.01: chance that a hit finds a weak spot
CRITICAL_MULTIPLIER = 2.0  # knob 1..5 step 0.1: a hit on a weak spot does so much more
SPREAD = 0.25              # knob 0..1 step 0.01: luck: from 75 % to 125 % of the base damage with 0.25
RANGE_FALLOFF = 0.30       # knob 0..1 step 0.01: lost at the very end of the attacker's range
ANTI_TANK_BONUS = 1.7      # knob 1..4 step 0.1: anti-tank guns against armour
ENGINEER_BONUS = 1.5       # knob 1..4 step 0.1: engineers against whoever sits in a town
TOWN_PROTECTION = 4        # knob 0..20: points that walls take off
MINIMUM_DAMAGE = 1         # knob 0..10: points that a hit does at least
# --------------------------------------------------------------------------

TANK = {"kind": "armour", "attack": 36, "range": 3}
SQUAD = {"kind": "infantry", "armour": 3, "terrain": "plain"}


def bonus(attacker, target):
    if attacker.get("kind") == "anti_tank" and target.get("kind") == "armour":
        return ANTI_TANK_BONUS
    if attacker.get("kind") == "engineers" and target.get("terrain") == "town":
        return ENGINEER_BONUS
    return 1.0


def falloff(attacker, distance):
    if attacker.get("kind") == "artillery":   # a shell weighs the same wherever it lands
        return 1.0
    reach = max(1, attacker.get("range", 1))
    return 1.0 - RANGE_FALLOFF * min(1.0, max(0, distance - 1) / reach)


def protection(target):
    points = target.get("armour", 0)
    if target.get("terrain") == "town":
        points += TOWN_PROTECTION
    return points


message = get_context().get("message") or {}
payload = message.get("payload") or {}
attacker = payload.get("attacker") or TANK
target = payload.get("target") or SQUAD

base_damage = attacker.get("attack", 0) * bonus(attacker, target) * falloff(attacker, payload.get("distance", 1))
luck = 1.0 - SPREAD + 2 * SPREAD * rand()
damage = base_damage * luck - protection(target)

critical = rand() < CRITICAL_CHANCE
if critical:
    damage *= CRITICAL_MULTIPLIER

damage = max(MINIMUM_DAMAGE, round(damage))
text = f"critical hit, {damage} points" if critical else ""

result = {"damage": damage, "base_damage": round(base_damage), "critical": critical, "message": text}
