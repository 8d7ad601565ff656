"""Executions for tests: really run, or written as rows where many are needed."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from scripting.bus import streams
from scripting.engine import get_engine
from scripting.metrics import error_groups, rollups
from scripting.models import ErrorDelta, Execution, Script, ScriptVersion
from scripting.models.rollups import StatDelta
from scripting.registry import publishing
from scripting.registry.active import registry
from scripting.registry.moves import AnyBase
from scripting.sandbox.protocol import encode_value
from scripting.sources import sync
from scripting.storage.bulk_insert import insert_all
from scripting.types import ExecutionRequest, ScriptInput, ScriptOutput
from tests.support.game import Game

_serials = itertools.count()
"""So that two rows of one millisecond have ids of their own, those written later the higher ones."""


def run(game: Game, text: str = "result = 1\n", trigger: str = "manual", **context: object) -> ScriptOutput:
    """Publish the text as `dice` and run it once."""
    publish(game, text)
    return get_engine().execute(ExecutionRequest("chess_club", "dice", ScriptInput(context), trigger=trigger))


def publish(game: Game, text: str) -> ScriptVersion:
    if not (game.package / "scripts" / "dice.py").exists():
        game.ship("dice", text)
        sync.sync()
    else:
        publishing.publish(game.script("dice"), "python", text, actor=None, reason="for a test", base=AnyBase)
    registry.forget()
    version = game.script("dice").active_version
    assert version is not None
    return version


def write(
    script: Script, count: int, *, end: datetime | None = None, every: timedelta = timedelta(seconds=1), **fields: Any
) -> list[UUID]:
    """Rows as the ledger would write them, the last one at `end`; counted in the rollups too. Oldest first."""
    end = end or datetime.now(UTC)
    rows = []
    for index in range(count):
        at = end - every * (count - 1 - index)
        key = UUID(int=(int(at.timestamp() * 1000) << 80) | (0x7 << 76) | (0x8 << 60) | next(_serials))
        rows.append(
            {
                "id": key,
                "script_id": script.pk,
                "version_id": script.active_version_id,
                "trigger": "event",
                "topic": "chess_club.roll",
                "status": "succeeded",
                "role": "primary",
                "inputs": encode_value({"side": "red"}),
                "inputs_text": '{"side": "red"}',
                "started_at": at,
                "finished_at": at,
                "wall_us": 100 + index,
                **fields,
            }
        )
    insert_all(
        [(Execution, rows), (StatDelta, rollups.deltas_of(rows)), (ErrorDelta, error_groups.deltas_of(rows))],
    )
    return [row["id"] for row in rows]


def set_aside(stream: str, envelope: bytes, reason: str = "there is no script") -> str:
    """The id of a new dead letter."""
    fields: Any = {"stream": stream, "entry": "1-1", "reason": reason, "e": envelope}
    key = streams.redis_client().xadd(streams.dead_letters_key(), fields)
    return key.decode()  # type: ignore[union-attr] # our clients answer bytes
