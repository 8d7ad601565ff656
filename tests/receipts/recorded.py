"""Executions recorded as a worker records them: decided by the engine, committed by the ledger, each commit a link."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from scripting.bus.events import Event
from scripting.engine import get_engine
from scripting.execution import ledger, links
from scripting.models import Execution
from scripting.sources.sync import sync
from tests.support.game import ROLL, Game

DICE = "log('rolled')\nresult = {'points': message['payload']['sides'] + rand() % 2, 'score': score()}\n"

Rolls: TypeAlias = Callable[..., list[Execution]]


def event(sides: int = 6, secret: str = "") -> Event:
    return Event(
        id=secrets.token_hex(8),
        topic=ROLL.name,
        payload={"sides": sides, "secret": secret},
        subscribers=[(Game.name, "dice")],
        key="1",
        user_id="ada",
        published_us=time.time_ns() // 1000,
    )


@pytest.fixture
def rolls(game: Game, db: None, django_capture_on_commit_callbacks: Any) -> Rolls:
    """`rolls(3, 2)`: two commits, of three and two executions; oldest first."""
    links._free.clear()  # chains of another test's database
    game.ship("dice", DICE)
    sync()

    def roll(*sizes: int, secret: str = "") -> list[Execution]:
        made = []
        for size in sizes:
            with django_capture_on_commit_callbacks(execute=True):
                batch = [event(6 + place, secret) for place in range(size)]
                decisions = [get_engine().decide(one, Game.name, "dice") for one in batch]
                ledger.commit(decisions, worker="a test")
            made += [decision.run.call.execution_id for decision in decisions]
        return list(Execution.objects.filter(pk__in=made).order_by("pk"))

    return roll
