"""The wargame as a module of scripts: which script runs on what, what scripts may call, and where their outcomes go."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from scripting.modules.calls import CallContext, CallRefused, Outcome, WorkAhead
from scripting.modules.scriptable import ModulePage, ModuleScriptConfig, ScriptableModule, exposed
from scripting.modules.simulation import Decide
from scripting.types import Playback, RecordedRun, RunStory, SimulatedPlay
from wargame import effects, playback, rows, rules, simulation, stories, unit_of_work, wording
from wargame.finding import find_game
from wargame.maps import MAPS
from wargame.models import Game
from wargame.play import payloads
from wargame.play.table import RULES
from wargame.requests import ShotRequest
from wargame.topics import TOPICS


class WargameModule(ScriptableModule):
    """Two armies on a map; scripts decide who hits, how hard, and what comes of it."""

    name = "wargame"
    package = "wargame"
    topics = TOPICS
    key_name = play_noun = "battle"
    segment_name = "map"
    segments = tuple(each.name for each in MAPS)
    live_page = ModulePage("Battle", "wargame:battle")
    more_pages = (ModulePage("Test shot", "wargame/debug/hit"),)
    play_measures = simulation.MEASURES
    play_shares = simulation.SHARES
    permissions: ClassVar[Mapping[str, Sequence[str]]] = {"designer": ("wargame.play_game",)}
    config = ModuleScriptConfig(
        message_handlers={
            "wargame.event.damage": "event_processor",
            "wargame.state.update": "event_processor",
            "wargame.action": "event_processor",
            "wargame.attack": "hit_simulator",
            "wargame.hit": "damage_calculator",
        },
        endpoint_scripts={"/debug/hit": "hit_simulator"},
        endpoint_examples={"/debug/hit": {"distance": 1}},
        endpoint_bodies={"/debug/hit": ShotRequest},
    )

    def built_in(self, context: CallContext, inputs: Mapping[str, Any]) -> Any:
        rule = rules.BUILT_IN.get(context.script)
        if rule is None:
            raise NotImplementedError(f"the wargame has no built-in rule for {context.script}")
        dice = random.Random(context.dice or context.execution_id)  # the same execution always rolls the same
        return rule(inputs, dice)

    def applies(self, context: CallContext) -> bool:
        return (context.script, context.topic) in RULES

    def validate(self, context: CallContext, result: Any) -> None:
        rule = RULES.get((context.script, context.topic))
        if rule is not None:
            rule.read(result)

    def unit_of_work(self, calls: Sequence[CallContext]) -> AbstractContextManager[Any]:
        return unit_of_work.around(calls)

    def unit_of_work_ahead(self, calls: Sequence[CallContext]) -> WorkAhead | None:
        return unit_of_work.ahead(calls)

    def apply(self, outcome: Outcome) -> None:
        effects.carry_out(outcome)

    def simulate(self, decide: Decide, seed: int) -> SimulatedPlay:
        return simulation.play(self, decide, seed)

    def segment(self, key: str) -> str | None:
        """The map of a battle."""
        number = int(key) if key.isascii() and key.isdecimal() and len(key) < 19 else 0
        return Game.objects.filter(pk=number).values_list("map_name", flat=True).first()

    def playback(self, play: SimulatedPlay) -> Playback:
        return playback.shown(play)

    def event_in_words(self, topic: str, payload: Mapping[str, Any]) -> str:
        return wording.in_words(topic, payload)

    def story(self, run: RecordedRun) -> RunStory:
        return stories.of_run(run)

    @exposed(kind="pure")
    def calculate_damage(
        self, context: CallContext, attack: float, armour: float = 0, distance: int = 1, reach: int = 1
    ) -> int:
        """The built-in rule: points of damage of a hit, less with armour and at the far end of the attacker's reach."""
        for name, value in (("attack", attack), ("armour", armour), ("distance", distance), ("reach", reach)):
            if not math.isfinite(value) or not 0 <= value <= 10_000:
                raise CallRefused(f"calculate_damage(): {name} must lie between 0 and 10000")
        return rules.damage_of_hit(attack, armour, distance, reach)

    @exposed(kind="effect")
    def publish_event(self, context: CallContext, topic: str, payload: dict[str, Any]) -> None:
        """Publish an event about this battle once the script has succeeded: damage, an action, a state update."""
        effects.publish_event(context, topic, payload)

    @exposed(kind="read")
    def get_game_state(self, context: CallContext, game_id: str = "") -> dict[str, Any]:
        """The whole board, as wargame.state.update carries it; without an id that of the battle this run is about."""
        game = find_game(context, {"gameID": game_id} if game_id else context.payload)
        if game is None:
            raise CallRefused("get_game_state(): there is no such battle")
        battle = rows.read(game).battle
        return payloads.board(battle, battle.units.values())
