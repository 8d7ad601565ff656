"""Pages over a long history: `make bench-history` fills executions into SQLite and PostgreSQL and times the pages.

BENCH_HISTORY_ROWS says how many (default 100 000; the targets are meant for 10 000 000, against the same pages at 10 000).
Rows are spread over 90 days, the newest densest, with payloads of at most 300 bytes; their rollups are written too.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

Sums = dict[tuple[Any, datetime, int, int], Any]
SMALL = 10_000
BATCH = 5_000
DAYS = 90
ROUNDS, WARM = 40, 2
MOST_MS = 150.0
MOST_RATIO = 1.5
WORDS_MS = 500.0


def measure() -> list[dict[str, Any]]:
    """Each database twice, small and large, each in a process of its own; pages are asked of the two in turns.

    So whatever else the machine does, it does to both.
    """
    rows = int(os.environ.get("BENCH_HISTORY_ROWS", "100000"))
    figures = []
    for vendor in os.environ.get("BENCH_HISTORY_ON", "sqlite postgresql").split():
        sites = [_Site(vendor, count) for count in (SMALL, rows)]
        try:
            filled = [site.ready() for site in sites]
            took: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in filled[0]["pages"]}
            for turn in range(ROUNDS + WARM):
                for name, both in took.items():
                    for site, times in zip(sites, both, strict=True):
                        ms = site.ask(name)
                        if turn >= WARM:
                            times.append(ms)
        finally:
            for site in sites:
                site.end()
        small, large = ({name: _p95(both[side]) for name, both in took.items()} for side in (0, 1))
        figures += _figures(vendor, rows, small, large | filled[1]["told"])
    return figures


def _p95(times: list[float]) -> float:
    return round(statistics.quantiles(times, n=20)[-1], 2)


class _Site:
    """A filled site in a process of its own, which answers how long a page took."""

    def __init__(self, vendor: str, count: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.history", vendor, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> dict[str, Any]:
        """Its pages, and figures of the filling, once that is done."""
        return self._answer()  # type: ignore[no-any-return]

    def ask(self, page: str) -> float:
        """Milliseconds."""
        assert self._process.stdin is not None
        print(page, file=self._process.stdin, flush=True)
        return float(self._answer())

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the filled site ended; its error is above")
        return json.loads(line)


def _figures(vendor: str, rows: int, small: dict[str, float], large: dict[str, float]) -> list[dict[str, Any]]:
    made = []
    for name, value in large.items():
        if name.startswith("#"):
            made.append(_figure(f"{vendor}: {name[1:]}, {rows:,} executions", value, "", None, None, None))
            continue
        limit = WORDS_MS if name.startswith("words") else MOST_MS
        # What takes a few milliseconds either way says nothing as a ratio.
        near = name.startswith("words") or value <= MOST_RATIO * max(small[name], 10.0)
        made.append(
            _figure(
                f"{vendor}: {name}, p95 at {rows:,}",
                value,
                "ms",
                f"at {SMALL:,}",
                small[name],
                f"<= {limit:g} ms" + ("" if name.startswith("words") else f" and <= {MOST_RATIO} times"),
                value <= limit and near,
            )
        )
    return made


def _figure(
    name: str, value: float, unit: str, peer: str | None, peer_value: float | None, target: Any, holds: Any = None
) -> dict[str, Any]:
    ratio = value / peer_value if peer_value else None
    return {
        "figure": name,
        "value": value,
        "unit": unit,
        "peer": peer,
        "peer_value": peer_value,
        "ratio": ratio,
        "target": target,
        "holds": holds,
    }


# -- in the process of one database --------------------------------------------------------------------------------------


def fill(count: int) -> tuple[float, float]:
    """Write `count` executions and their rollups: rows a second, and gigabytes on disk."""
    from django.db import connection, transaction

    from scripting import errors, stats
    from scripting.db import insert_rows
    from scripting.models import Execution

    scripts = _scripts()
    started = time.perf_counter()
    sums: Sums = defaultdict(stats.Figures)
    made = rows(count, scripts)
    while batch := list(itertools.islice(made, BATCH)):
        with transaction.atomic():
            insert_rows(Execution, batch)
            errors.record(batch)
        while errors.fold():
            pass
        _add(sums, batch)
    with transaction.atomic():
        _write(sums)
    took = time.perf_counter() - started
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            size = Path(connection.settings_dict["NAME"]).stat().st_size
        else:
            cursor.execute("SELECT pg_database_size(current_database())")
            size = cursor.fetchone()[0]
    return count / took, size / 1e9


def _add(sums: Sums, batch: list[dict[str, Any]]) -> None:
    """As `stats.record` and `stats.fold` would have it at once, without the spans that the retention no longer keeps."""
    from scripting.models import ExecutionStat
    from scripting.retention import HOURS_KEPT, MINUTES_KEPT

    kept = {ExecutionStat.Span.MINUTE: MINUTES_KEPT, ExecutionStat.Span.HOUR: HOURS_KEPT}
    now = datetime.now(UTC)
    for row in batch:
        minute = row["finished_at"].replace(second=0, microsecond=0)
        for span in ExecutionStat.Span:
            if now - minute <= kept.get(span, now - minute):
                key = (span, span.start_of(minute), row["script_id"], row["version_id"])
                sums[key].add(row["status"], row["wall_us"], row["cpu_us"])


def _write(sums: Sums) -> None:
    from scripting.db import insert_rows
    from scripting.models import ExecutionStat

    insert_rows(
        ExecutionStat,
        [
            {"span": span, "start": start, "script_id": script, "version_id": version, **figures.columns()}
            for (span, start, script, version), figures in sums.items()
        ],
    )


def _scripts() -> list[Any]:
    from scripting.models import Activation, Script, ScriptVersion

    made = []
    for name in ("event_processor", "damage_calculator", "hit_simulator", "scorer"):
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


def rows(count: int, scripts: list[Any]) -> Iterator[dict[str, Any]]:
    """Executions oldest first: half of them in the last ten days, one in a hundred failed."""
    from scripting.models import ScriptVersion
    from scripting.sandbox.protocol import encode_value

    dice = random.Random(7)
    versions = {s.pk: list(ScriptVersion.objects.filter(script=s).values_list("pk", flat=True)) for s in scripts}
    now = datetime.now(UTC)
    topics = ("wargame.event.damage", "wargame.action", "wargame.state.update", "wargame.attack")
    for index in range(count):
        part = 1 - (index + 1) / count
        at = now - timedelta(days=DAYS) * part**2.2
        script = dice.choice(scripts)
        roll = dice.random()
        unit = dice.randrange(10_000)
        context = {
            "message": {"payload": {"targetUnit": unit, "damageAmount": dice.randrange(60), "attacker": unit + 1}}
        }
        text = f'{{"targetUnit": {unit}, "attacker": "owl {unit % 97}"}}'
        wall = int(dice.lognormvariate(5.6, 0.9))
        row: dict[str, Any] = {
            "id": UUID(int=(int(at.timestamp() * 1000) << 80) | (7 << 76) | (8 << 60) | index),
            "script_id": script.pk,
            "version_id": dice.choice(versions[script.pk]),
            "trigger": "event" if dice.random() < 0.98 else dice.choice(("endpoint", "manual", "replay")),
            "event_id": f"event-{index}",
            "topic": dice.choice(topics),
            "key": str(unit % 64),
            "status": "succeeded",
            "role": "primary",
            "inputs": encode_value(context),
            "inputs_text": text,
            "result": encode_value({"damage": unit}),
            "result_text": f'{{"damage": {unit}}}',
            "started_at": at,
            "finished_at": at,
            "worker": f"host:{dice.randrange(8)}",
            "wall_us": wall,
            "cpu_us": wall,
            "memory_bytes": 400_000,
        }
        if roll < 0.01:
            kind = dice.choice(("execution", "timeout", "memory_limit"))
            row |= {
                "status": "failed" if roll < 0.004 else "fell_back",
                "error_type": kind,
                "error_message": "it went wrong",
                "error_line": dice.randrange(1, 6),
                "error_version_id": row["version_id"],
                "result": None,
                "result_text": "",
            }
        if roll > 0.999:
            row |= {"user": f"user{dice.randrange(20)}", "wall_us": dice.randrange(10_000, 3_000_000)}
        yield row


def pages() -> dict[str, str]:
    """Every page that has a target, by name, as an address."""
    from scripting.insight.ranges import RANGES
    from scripting.models import ErrorGroup, Execution, Script

    script = Script.objects.order_by("pk")[1]
    keys = Execution.objects.order_by("pk")
    deep = keys.filter(pk__gte=Execution.objects.order_by("-pk")[keys.count() // 2].pk)[0].pk
    base = "/admin/scripting/execution/"
    asked = {
        "all": "",
        "module": "module=wargame",
        "script": f"script={script.pk}",
        "version": f"script={script.pk}&version={script.active_version_id}",
        "outcome failed": "status=failed",
        "unsuccessful": "status=unsuccessful",
        "error type": "error=timeout",
        "trigger": "trigger=manual",
        "topic": "topic=wargame.attack",
        "worker": "worker=host:3",
        "user": "user=user7",
        "slow": "slow=1000000",
        "24 hours": "range=24h",
        "error group": f"group={ErrorGroup.objects.all()[0].pk}",
    }
    found = {f"executions, {name}": f"{base}?{query}" for name, query in asked.items()}
    found |= {f"executions, {name}, deep": f"{base}?{query}&before={deep}" for name, query in asked.items()}
    found |= {f"dashboard, {each.title}": f"{base}figures/?range={each.name}" for each in RANGES}
    found["one execution"] = f"{base}{deep}/change/"
    found["words in an hour"] = f"{base}?q=owl+13&range=1h"
    found["metrics"] = "/metrics"
    return found


def answer_pages() -> None:
    """For each name on standard input, how many ms the page took as the site's own handler answers a request."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create_superuser("bench"))
    addresses = pages()
    for line in sys.stdin:
        address = addresses[line.strip()]
        started = time.perf_counter()
        status = client.get(address, REMOTE_ADDR="127.0.0.1").status_code
        took = (time.perf_counter() - started) * 1000
        if status != 200:
            raise RuntimeError(f"{address} answered {status}")
        print(took, flush=True)


def percentiles_off() -> float:
    """How far the rollups' percentiles are from the exact ones of the same executions, at the most, in percent."""
    from scripting import stats
    from scripting.models import Execution

    now = datetime.now(UTC) + timedelta(minutes=1)
    worst = 0.0
    for script, figures in stats.by_script(now - timedelta(days=DAYS + 1), now).items():
        walls = sorted(Execution.objects.filter(script=script).values_list("wall_us", flat=True))
        for q in (0.5, 0.95, 0.99):
            exact = walls[int(q * (len(walls) - 1))]
            worst = max(worst, abs((figures.durations.quantile(q) or 0) - exact) / exact * 100)
    return worst


def main(vendor: str, count: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="gh-", dir=os.environ.get("BENCH_HISTORY_DIR")))
    os.environ["GOBY_VAR"] = str(folder)
    if vendor == "postgresql":
        from tests.support.postgres import server_url

        os.environ["DATABASE_URL"] = server_url()
    else:
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/history.sqlite3"
    os.environ["REDIS_URL"] = f"unix://{folder}/redis/redis.sock?db=0"
    os.environ["ALLOWED_HOSTS"] = "testserver"
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks._site"
    from tests.support.redis import RedisServer

    server = RedisServer(folder / "redis")
    try:
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        speed, size = fill(count)
        print(f"{vendor}: {count:,} executions at {speed:,.0f} a second, {size:.2f} GB", file=sys.stderr, flush=True)
        told = {"#rows written a second": round(speed), "#gigabytes": round(size, 3)}
        told["#percentiles off by at most, %"] = round(percentiles_off(), 3)
        print(json.dumps({"pages": list(pages()), "told": told}), flush=True)
        answer_pages()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
