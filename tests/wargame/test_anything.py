"""Property: whatever scripts return, apply refuses it or the game stays whole."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripting.modules.calls import EffectRefused
from tests.wargame.conftest import Duel
from tests.wargame.table import Published, Table
from wargame.models import Game, Unit

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
units = st.sampled_from(["harbour-armour-1", "ridge-infantry-1", "nobody", "", "\x00"])
payload = st.fixed_dictionaries(
    {},
    optional={
        "targetUnit": units | plain,
        "damageAmount": st.integers(-5, 200) | plain,
        "attacker": units | plain,
        "timestamp": st.integers(0, 9) | plain,
        "playerID": st.sampled_from(["harbour", "ridge"]),
        "action": st.sampled_from(["attack", "move"]),
        "unitID": units,
        "target": units | st.just("2,2"),
    },
)
follow_up = st.fixed_dictionaries(
    {
        "topic": st.sampled_from(["wargame.event.damage", "wargame.action", "wargame.hit"]) | plain,
        "payload": payload | plain,
    }
)
results = plain | st.fixed_dictionaries(
    {},
    optional={
        "hit": st.booleans() | plain,
        "chance": st.floats(0, 1) | plain,
        "damage": st.integers(0, 300) | plain,
        "base_damage": plain,
        "critical": st.booleans() | plain,
        "message": st.text(max_size=40) | plain,
        "requires_validation": st.booleans() | plain,
        "valid": st.booleans() | plain,
        "reason": st.text(max_size=40) | plain,
        "chain_reaction": st.booleans() | plain,
        "follow_up_events": st.lists(follow_up, max_size=3) | plain,
        "attacker": units,
        "target": units,
    },
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_whatever_a_script_returns_is_refused_or_leaves_the_game_whole(duel: Duel, data: st.DataObject) -> None:
    table = Table()
    shot = duel.shot()
    event, script = data.draw(
        st.sampled_from(
            [
                (
                    Published("wargame.action", duel.action(), duel.game.key),
                    "event_processor",
                ),
                (Published("wargame.attack", shot, duel.game.key, 1), "hit_simulator"),
                (Published("wargame.hit", shot, duel.game.key, 2), "damage_calculator"),
                (
                    Published("wargame.event.damage", duel.damage(9), duel.game.key, 3),
                    "event_processor",
                ),
                (Published("", {}), "hit_simulator"),
            ]
        )
    )
    refused = ""
    before = list(Unit.objects.values_list("pk", "health", "x", "y", "moved_turn", "acted_turn"))
    try:
        table.apply(event, script, data.draw(results))
    except EffectRefused as refusal:
        refused = str(refusal) or "without a reason"
    if refused:
        assert refused != "without a reason"
        assert list(Unit.objects.values_list("pk", "health", "x", "y", "moved_turn", "acted_turn")) == before
    for unit in Unit.objects.all():
        assert 0 <= unit.health <= unit.max_health
    assert all(caught.depth == event.depth + 1 for caught in table.events)
    # the next example begins with a fresh duel
    Unit.objects.filter(pk=duel.tank.pk).update(health=120, x=1, y=1, moved_turn=0, acted_turn=0)
    Unit.objects.filter(pk=duel.squad.pk).update(health=80, x=3, y=1, moved_turn=0, acted_turn=0)
    Game.objects.update(status="running", phase="combat", winner=None, ended=None)
