"""Does the shot hit?

Runs for every shot (topic wargame.attack), and for a test shot from the page /debug/hit.
Result: {"hit": True or False, "chance": 0 to 1, "roll": 0 to 1, "message": text}
"""

# --- Tune these -----------------------------------------------------------
BASE_CHANCE = 0.85       # knob 0..1 step 0.01: chance to hit in the open, from the next hex
DISTANCE_PENALTY = 0.06  # knob 0..0.5 step 0.01: less for each further hex
FOREST_COVER = 0.20      # knob 0..1 step 0.01: less when the target stands in a forest
TOWN_COVER = 0.25        # knob 0..1 step 0.01: less when it stands in a town
HILL_COVER = 0.10        # knob 0..1 step 0.01: less when it stands on a hill
HILL_VIEW = 0.10         # knob 0..1 step 0.01: more when the attacker stands on a hill
SCREEN_PENALTY = 0.08    # knob 0..0.5 step 0.01: less for each hex of forest, hill or town in between
SCOUTS_HIDE = 0.10       # knob 0..1 step 0.01: less against scouts
LOWEST_CHANCE = 0.05     # knob 0..1 step 0.01: there is always hope
HIGHEST_CHANCE = 0.95    # knob 0..1 step 0.01: and never certainty
# --------------------------------------------------------------------------

COVER = {"forest": FOREST_COVER, "town": TOWN_COVER, "hill": HILL_COVER}


def chance_to_hit(attacker, target, distance, screening):
    chance = BASE_CHANCE - DISTANCE_PENALTY * max(0, distance - 1)
    chance -= COVER.get(target.get("terrain"), 0)
    if attacker.get("terrain") == "hill":
        chance += HILL_VIEW
    if attacker.get("kind") != "artillery":   # shells fly over what is in between
        chance -= SCREEN_PENALTY * screening
    if target.get("kind") == "scouts":
        chance -= SCOUTS_HIDE
    return min(HIGHEST_CHANCE, max(LOWEST_CHANCE, chance))


def shot_of_event(payload):
    """The event carries both units whole, so there is nothing to look up."""
    return {
        "attacker": payload.get("attacker") or {},
        "target": payload.get("target") or {},
        "distance": payload.get("distance", 1),
        "screening": payload.get("screening", 0),
    }


def shot_of_request(body):
    """A test shot names the two units; `distance` and `terrain` may be tried out instead of the real ones."""
    units = {}
    if body.get("attacker") and body.get("target"):
        for unit in get_game_state()["units"]:
            units[unit["id"]] = unit
    target = dict(units.get(body.get("target"), {}))
    if body.get("terrain"):
        target["terrain"] = body["terrain"]
    return {
        "attacker": units.get(body.get("attacker"), {}),
        "target": target,
        "distance": int(body.get("distance") or 1),
        "screening": int(body.get("screening") or 0),
    }


context = get_context()
message = context.get("message") or {}
request = context.get("http_request")

if request:
    body = request.get("body") or {}
    shot = shot_of_request(body)
else:
    shot = shot_of_event(message.get("payload") or {})

chance = chance_to_hit(shot["attacker"], shot["target"], shot["distance"], shot["screening"])
roll = rand()
hit = roll < chance

if hit:
    text = f"{chance:.0%} chance"
else:
    text = f"needed {chance:.0%}, rolled {roll:.0%}"

result = {"hit": hit, "chance": round(chance, 3), "roll": round(roll, 3), "message": text}
if request and body.get("attacker") and body.get("target"):
    # who shot whom: with these two the game carries the test shot out
    result["attacker"] = body["attacker"]
    result["target"] = body["target"]
