"""How the outcome of a script changes the stored battle: its rows are read under lock, its rule says what follows, the unit of work writes that.

Each call runs inside the transaction that records the execution. What no longer fits the game (a unit that has fallen
meanwhile) is logged as ignored; a result that no script may give raises EffectRefused.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from scripting.modules.calls import CallContext, EffectRefused, Outcome
from wargame import unit_of_work
from wargame.play import follow_ups
from wargame.play.table import RULES

logger = logging.getLogger(__name__)


def carry_out(outcome: Outcome) -> None:
    """Change the battle that the outcome is about, where its script and topic have a rule. Raises EffectRefused."""
    context = outcome.context
    rule = RULES.get((context.script, context.topic))
    if rule is None:
        return
    with unit_of_work.of(context) as work:
        table = work.find(context, partial(rule.unit, outcome))
        if table is None or not table.battle.is_running:
            logger.info("%s of %s ignored: no such battle is running", rule.what, context.topic or context.script)
            return
        step = rule.carry_out(table.battle, outcome)
        work.add(table, step)
        for event in step.events:
            outcome.publish(event.topic, event.payload, key=table.game.key)


def publish_event(context: CallContext, topic: str, payload: Mapping[str, Any]) -> None:
    """An event that a script published by calling publish_event."""
    with unit_of_work.of(context) as work:
        table = work.find(context)
        if table is None:
            raise EffectRefused("publish_event: no battle is running")
        follow_ups.publish_called(table.battle, context, topic, payload)
