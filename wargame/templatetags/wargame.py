"""Facts of the battle for the page of test shots."""

from __future__ import annotations

import uuid
from typing import Any

from django import template

from scripting.models import Execution, Script
from scripting.texts.escaping import one_line
from wargame.access import may_watch
from wargame.deciders import decider_of
from wargame.maps import TERRAIN
from wargame.models import Game, Unit
from wargame.presentation import admin_url

register = template.Library()

LOOKED_AT = 300
"""Runs of hit_simulator that are searched for test shots: those of the battle are among them."""
SHOWN = 8
SOME_ID = str(uuid.UUID(int=0))
"""Stands in an address for the id of an execution, which the page learns when it has fired."""


@register.simple_tag(takes_context=True)
def test_shots(context: template.Context) -> dict[str, Any] | None:
    """The running battle's units by side, who decides, and the latest test shots; None for those who may not watch."""
    if not may_watch(context["request"].user):
        return None
    script = Script.objects.named("wargame", context["script"]).select_related("active_version").first()
    game = Game.objects.running().filter(demo=True).first()
    sides = [] if game is None else list(game.sides.all())
    return {
        "game": game,
        "armies": [(side.name, list(side.units.living())) for side in sides],
        "terrains": [(terrain.key, terrain.label) for terrain in TERRAIN.values() if terrain.cost is not None],
        "decider": decider_of(script),
        "latest": latest_shots(script, game),
        "execution_url": admin_url("scripting_execution_change", SOME_ID) if context["request"].user.is_staff else "",
        "execution_id": SOME_ID,
    }


def latest_shots(script: Script | None, game: Game | None) -> list[dict[str, Any]]:
    if script is None:
        return []
    runs = Execution.objects.filter(script=script).order_by("-id").values_list("id", "trigger")[:LOOKED_AT]
    wanted = [pk for pk, trigger in runs if trigger == Execution.Trigger.ENDPOINT][:SHOWN]
    shots = Execution.objects.filter(pk__in=wanted).order_by("-id").select_related("version")
    names = dict(Unit.objects.filter(game=game).values_list("code", "name")) if shots and game else {}
    return [
        {
            "run": shot,
            "text": one_line(_in_words(shot, names), 240),
            "url": admin_url("scripting_execution_change", shot.pk),
        }
        for shot in shots
    ]


def _in_words(shot: Execution, names: dict[str, str]) -> str:
    """`Harbour Infantry 3 at Ridge Scouts 1. Hit: 79% chance`; what is no such result stays as it was recorded."""
    result = shot.result_value
    if not isinstance(result, dict) or not isinstance(result.get("hit"), bool):
        return shot.error_message or shot.result_text
    message = result.get("message")
    attacker, target = (str(result.get(key) or "") for key in ("attacker", "target"))
    units = f"{names.get(attacker, attacker)} at {names.get(target, target)}. " if attacker and target else ""
    return f"{units}{'Hit' if result['hit'] else 'Miss'}{f': {message}' if message else ''}"
