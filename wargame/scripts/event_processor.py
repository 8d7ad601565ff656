"""What do events do to the battle?

Runs for damage (wargame.event.damage), for orders (wargame.action) and for the board (wargame.state.update).
Result for damage: {"damage": points, "critical": …, "chain_reaction": …, "follow_up_events": [{"topic", "payload"}], "message": text}
Result for orders: {"requires_validation": True, "valid": True or False, "reason": text}
"""

# --- Tune these -----------------------------------------------------------
AMMUNITION_CHANCE = 0.35  # knob 0..1 step 0.01: chance that a destroyed armoured or artillery unit blows up
BLAST_DAMAGE = 14         # knob 0..50: points that it does to every unit around it
CHAIN_LIMIT = 2           # knob 0..6: blasts that set off further blasts, at most
LAST_STAND_HEALTH = 0.15  # knob 0..1 step 0.01: below this part of its health a unit digs in
LAST_STAND_FACTOR = 0.7   # knob 0..1 step 0.01: a unit that digs in takes this part of the damage
HOLD_FIRE_BELOW = 0.0     # knob 0..1 step 0.01: units with less than this part of their health refuse to attack
# --------------------------------------------------------------------------

EXPLOSIVE = ["armour", "artillery"]
ORDERS = ["attack", "move"]


def on_damage(event):
    target = event.get("target") or {}
    damage = event.get("damageAmount", 0)
    health = target.get("health", 0)
    notes = []

    if health and health < LAST_STAND_HEALTH * target.get("max_health", 0):
        damage = round(damage * LAST_STAND_FACTOR)
        notes.append("last stand")

    destroyed = health > 0 and damage >= health
    blast = destroyed and explodes(event, target)
    if blast:
        notes.append("its ammunition blows up")

    return {
        "processed": True,
        "damage": damage,
        "critical": event.get("critical", False),
        "destroyed": destroyed,
        "chain_reaction": blast,
        "follow_up_events": blasts(event, target) if blast else [],
        "message": ", ".join(notes),
    }


def explodes(event, target):
    if target.get("kind") not in EXPLOSIVE or event.get("chain", 0) >= CHAIN_LIMIT:
        return False
    return rand() < AMMUNITION_CHANCE


def blasts(event, target):
    """One damage event for each unit around the one that blew up."""
    return [
        {
            "topic": "wargame.event.damage",
            "payload": {
                "targetUnit": unit["id"],
                "damageAmount": BLAST_DAMAGE,
                "attacker": event.get("attacker", ""),
                "timestamp": event.get("timestamp", 0),
            },
        }
        for unit in event.get("neighbours") or []
    ]


def on_action(order):
    reason = problem(order)
    return {"requires_validation": True, "valid": not reason, "reason": reason}


def problem(order):
    """Why the order is not valid; empty when it is. The game itself checks ranges and ways once more."""
    unit, target = order.get("unit"), order.get("targetUnit")
    if order.get("action") not in ORDERS:
        return f"there is no action {order.get('action')}"
    if not unit:
        return ""
    if unit.get("side") != order.get("playerID"):
        return "the unit takes orders from the other side"
    if order.get("action") == "attack":
        if target and target.get("side") == unit.get("side"):
            return "that is one of our own"
        if (order.get("distance") or 0) > unit.get("range", 0):
            return "out of range"
        if unit.get("health", 0) < HOLD_FIRE_BELOW * unit.get("max_health", 0):
            return "too badly hurt to attack"
    return ""


def on_state(board):
    strength = {}
    for unit in board.get("units") or []:
        strength[unit["side"]] = strength.get(unit["side"], 0) + unit["health"]
    return {"processed": True, "turn": board.get("turn", 0), "strength": strength}


context = get_context()
message = context.get("message") or {}
topic = message.get("topic") or context.get("topic") or ""
payload = message.get("payload") or {}

if topic == "wargame.event.damage":
    result = on_damage(payload)
elif topic == "wargame.action":
    result = on_action(payload)
elif topic == "wargame.state.update":
    result = on_state(payload)
else:
    log(f"nothing to do for {topic or 'no topic'}")
    result = {"processed": False}
