"""What the page of test shots needs to know of the battle."""

from __future__ import annotations

from typing import Any

from django import template

from scripting.models import Execution, Script
from scripting.text import one_line
from wargame.access import may_watch
from wargame.maps import TERRAIN
from wargame.models import Game
from wargame.presentation import admin_url

register = template.Library()

LOOKED_AT = 300
"""Runs of hit_simulator that are searched for test shots: those of the battle are among them."""
SHOWN = 8


@register.simple_tag(takes_context=True)
def test_shots(context: template.Context) -> dict[str, Any] | None:
    """The running battle's units by side, and the latest test shots; None for those who may not watch."""
    if not may_watch(context["request"].user):
        return None
    game = Game.objects.running().filter(demo=True).first()
    sides = [] if game is None else list(game.sides.all())
    return {
        "game": game,
        "armies": [(side.name, list(side.units.living())) for side in sides],
        "terrains": [(terrain.key, terrain.label) for terrain in TERRAIN.values() if terrain.cost is not None],
        "latest": latest_shots(),
    }


def latest_shots() -> list[dict[str, Any]]:
    script = Script.objects.named("wargame", "hit_simulator").first()
    if script is None:
        return []
    runs = Execution.objects.filter(script=script).order_by("-id").values_list("id", "trigger")[:LOOKED_AT]
    wanted = [pk for pk, trigger in runs if trigger == Execution.Trigger.ENDPOINT][:SHOWN]
    shots = Execution.objects.filter(pk__in=wanted).order_by("-id").select_related("version")
    return [
        {
            "run": shot,
            "text": one_line(shot.result_text or shot.error_message, 240),
            "url": admin_url("scripting_execution_change", shot.pk),
        }
        for shot in shots
    ]
