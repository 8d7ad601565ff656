"""A long history made up: executions oldest first, with the rollups and error groups that recording them would have left.

Rows are spread over DAYS, the newest densest, with payloads of at most 300 bytes; one in a hundred failed. What recording
does a row at a time (`stats`, `errors`) is summed here while the rows go by, or filling would take hours.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from scripting.metrics import rollups as stats
from scripting.metrics.histogram import bucket
from scripting.metrics.retention import HOURS_KEPT, MINUTES_KEPT
from scripting.models import ErrorGroup, ExecutionStat, Script, ScriptVersion
from scripting.models.error_groups import fingerprint
from scripting.sandbox.protocol import encode_value

DAYS = 90
NAMES = ("event_processor", "damage_calculator", "hit_simulator", "scorer")
TOPICS = ("wargame.event.damage", "wargame.action", "wargame.state.update", "wargame.attack")
RETIRED_TOPIC, RETIRED_WORKER = "wargame.retired", "host:retired"
"""Of the oldest thousandth alone."""
UNITS = 10_000
COLUMNS = (
    "id",
    "script_id",
    "version_id",
    "trigger",
    "event_id",
    "topic",
    "key",
    "cause",
    "status",
    "error_type",
    "error_message",
    "error_line",
    "error_version_id",
    "inputs",
    "inputs_text",
    "result",
    "result_text",
    "started_at",
    "finished_at",
    "worker",
    "user",
    "wall_us",
    "cpu_us",
)
"""Of a row, in its order; values are such that both databases take them as they are."""
Span = ExecutionStat.Span
Cell = tuple[int, int]


def scripts() -> list[Script]:
    """Four scripts with two versions each, the second active."""
    from scripting.models import Activation

    made = []
    for name in NAMES:
        script = Script.objects.create(module="wargame", name=name)
        for number in (1, 2):
            text = f"result = {number}\n".encode()
            version = ScriptVersion.objects.create(
                script=script,
                number=number,
                language="python",
                content=text,
                source=text.decode(),
                origin="editor",
                sha256=f"{number:064x}",
                accepted=True,
            )
        script.active_version = version
        script.save()
        Activation.objects.create(script=script, version=version, cause="publish", reason="for the benchmark")
        made.append(script)
    return made


class Past:
    """`count` executions up to `now`, to be gone through once; behind that, `rollups` and `groups` know their sums."""

    def __init__(self, count: int, versions: Mapping[int, Sequence[int]], now: datetime) -> None:
        self.count, self.now = count, now
        self._cells = [(script, version) for script, both in versions.items() for version in both]
        self._sums: dict[tuple[ExecutionStat.Span, datetime], dict[Cell, stats.Figures]] = defaultdict(dict)
        self._groups: dict[str, dict[str, Any]] = {}
        self._hours: Counter[tuple[str, datetime]] = Counter()

    def rows(self) -> Iterator[tuple[Any, ...]]:
        dice = random.Random(7)
        bits = dice.getrandbits
        walls = [(wall, bucket(wall)) for wall in (int(dice.lognormvariate(5.6, 0.9)) for _ in range(1 << 16))]
        payloads = [_payload(unit, dice) for unit in range(UNITS)]
        end = int(self.now.timestamp() * 1e6)
        length = DAYS * 86_400_000_000
        minute = -1
        now: dict[Cell, stats.Figures] = {}
        cause = None
        retired = self.count // 1000
        for index in range(self.count):
            at = end - int(length * (1 - (index + 1) / self.count) ** 2.2)
            if at // 60_000_000 != minute:
                minute = at // 60_000_000
                now = self._sums_at(minute)
                stamp = datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%d %H:%M")
            roll = bits(64)
            script, version = cell = self._cells[roll & 7]
            wall, place = walls[roll >> 3 & 0xFFFF]
            unit = (roll >> 19 & 0xFFFF) % UNITS
            inputs, text, found, shown = payloads[unit]
            result: bytes | None = found
            key = f"{at // 1000:012x}70008{index:015x}"
            micros = at % 60_000_000
            when = f"{stamp}:{micros // 1_000_000:02}.{micros % 1_000_000:06}"
            topic, worker = TOPICS[roll >> 35 & 3], f"host:{roll >> 37 & 7}"
            if index < retired:
                topic, worker = RETIRED_TOPIC, RETIRED_WORKER
            trigger, user, status = "event", "", "succeeded"
            error, message, line, guilty = "", "", None, None
            chance = roll >> 44
            if chance < 31_457:  # of 2 ** 20: three in a hundred are unusual
                # 1 % failed or fell back, 2 % were not triggered by an event, 0.1 % have a user and took long.
                unusual = chance % 30
                if unusual < 10:
                    status = "failed" if unusual < 4 else "fell_back"
                    error = ("execution", "timeout", "memory_limit")[chance // 30 % 3]
                    message, guilty = "it went wrong", version
                    line = chance // 90 % 5 + 1 if error == "execution" else None
                    result, shown = None, ""
                    self._failed(cell, error, line, at, key)
                else:
                    trigger = ("endpoint", "manual", "replay")[chance // 30 % 3]
                    if unusual == 29:
                        user = f"user{chance // 90 % 20}"
                        wall = 10_000 + chance * 95
                        place = bucket(wall)
            figures = now.get(cell) or now.setdefault(cell, stats.Figures())
            figures.counts[status] += 1
            figures.wall_us += wall
            figures.cpu_us += wall
            figures.durations.counts[place] += 1  # `add`, without asking anew for the bucket
            event = f"{key[:8]}-{key[8:12]}-7111-9000-{key[20:]}"
            yield (
                key,
                script,
                version,
                trigger,
                event,
                topic,
                f"{unit % 64}",
                cause if roll >> 40 & 7 == 0 else None,
                status,
                error,
                message,
                line,
                guilty,
                inputs,
                text,
                result,
                shown,
                when,
                when,
                worker,
                user,
                wall,
                wall,
            )
            cause = key

    def _sums_at(self, minute: int) -> dict[Cell, stats.Figures]:
        """The sums of the finest span that is still kept of that minute."""
        start = datetime.fromtimestamp(minute * 60, UTC)
        for span, kept in ((Span.MINUTE, MINUTES_KEPT), (Span.HOUR, HOURS_KEPT), (Span.DAY, timedelta.max)):
            if self.now - start <= kept:
                return self._sums[span, span.start_of(start)]
        raise AssertionError

    def _failed(self, cell: Cell, error: str, line: int | None, at: int, key: str) -> None:
        script, version = cell
        mark = fingerprint(script, version, error, "", line)
        seen = datetime.fromtimestamp(at / 1e6, UTC)
        group = self._groups.get(mark)
        if group is None:
            group = self._groups[mark] = {
                "fingerprint": mark,
                "script_id": script,
                "version_id": version,
                "error_type": error,
                "error_line": line,
                "message": "it went wrong",
                "count": 0,
                "first_seen": seen,
            }
        group["count"] += 1
        group["last_seen"], group["last_execution"] = seen, key
        if self.now - seen <= HOURS_KEPT:
            self._hours[mark, seen.replace(minute=0, second=0, microsecond=0)] += 1

    def rollups(self) -> list[dict[str, Any]]:
        """Rows of ExecutionStat."""
        sums: dict[tuple[str, datetime, int, int], stats.Figures] = defaultdict(stats.Figures)
        coarser = {span: list(Span)[at:] for at, span in enumerate(Span)}
        for (span, start), cells in self._sums.items():
            for each in coarser[span]:
                for cell, figures in cells.items():
                    sums[each, each.start_of(start), *cell].merge(figures)
        return [
            {"span": span, "start": start, "script_id": script, "version_id": version, **figures.columns()}
            for (span, start, script, version), figures in sums.items()
        ]

    def groups(self) -> list[dict[str, Any]]:
        """Rows of ErrorGroup."""
        return [
            row | {"events": row["count"], "last_execution": UUID(row["last_execution"])}
            for row in self._groups.values()
        ]

    def hours(self) -> list[dict[str, Any]]:
        """Rows of ErrorCount; their groups are to be written before."""
        keys = dict(ErrorGroup.objects.values_list("fingerprint", "pk"))
        return [
            {"group_id": keys[mark], "start": start, "count": count} for (mark, start), count in self._hours.items()
        ]


def _payload(unit: int, dice: random.Random) -> tuple[bytes, str, bytes, str]:
    """Inputs and result of a unit, as a row keeps them."""
    payload = {"targetUnit": unit, "damageAmount": dice.randrange(60), "attacker": unit + 1}
    return (
        encode_value({"message": {"payload": payload}}),
        f'{{"targetUnit": {unit}, "attacker": "owl {unit % 97}"}}',
        encode_value({"damage": unit}),
        f'{{"damage": {unit}}}',
    )
