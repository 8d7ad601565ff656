"""Receipts: verified per second, what they add to deciding and committing an event and cost later, and their bytes on both databases.

Runs in a process of its own with a Redis and a database of its own: SQLite, and PostgreSQL where it can be had. What receipts add
is processor time of one process, of turns with and without them: a ratio of wall times would be that of whatever else the machine does.
"""

from __future__ import annotations

import json
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks._databases import postgres
from benchmarks.throughput import TOPIC, begin, stand
from goby_site.paths import BASE_DIR

RECEIPTS = int(os.environ.get("BENCH_RECEIPTS", "100000"))
REPEATS = 1
"""Of the whole: what is compared has many turns of its own."""
BATCH = 64
EVENTS = 10 * BATCH
KEY = "game-1"
TURNS = 24
"""Of so many events each, with and without receipts: with, without, without, with and so on."""
TARGET_SECONDS = 60.0
TARGET_RATIO = 1.03
TARGET_BYTES = 250


def measure() -> Iterator[dict[str, Any]]:
    yield from figures("SQLite", "")
    with postgres("receipts on PostgreSQL") as url:
        if url:
            yield from figures("PostgreSQL", url)


def figures(database: str, url: str) -> list[dict[str, Any]]:
    with stand(url) as environment:
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.receipts"],
            cwd=BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )
    found = json.loads(answer.stdout.splitlines()[-1])
    ratio = found["with"] / found["without"]
    return [
        *(
            {
                "figure": f"{RECEIPTS} executions verified{state} ({database})",
                "value": round(seconds, 1),
                "unit": "s",
                "peer": None,
                "peer_value": None,
                "ratio": None,
                "target": TARGET_SECONDS,
                "holds": seconds <= TARGET_SECONDS,
            }
            for state, seconds in ((", not sealed yet", found["unsealed"]), (" with their receipts", found["verified"]))
        ),
        {
            "figure": f"an event published, decided and committed, with its receipt ({database})",
            "value": round(found["with"], 1),
            "unit": "CPU µs",
            "peer": "without",
            "peer_value": round(found["without"], 1),
            "ratio": round(ratio, 3),
            "target": TARGET_RATIO,
            "holds": ratio <= TARGET_RATIO,
        },
        {
            "figure": f"the receipt made later, when its link is sealed ({database})",
            "value": round(found["sealed"], 1),
            "unit": "CPU µs",
            "peer": None,
            "peer_value": None,
            "ratio": None,
            "target": None,
            "holds": None,
        },
        {
            "figure": f"receipt of an execution, indexes included ({database})",
            "value": round(found["bytes"]),
            "unit": "bytes",
            "peer": "the execution",
            "peer_value": round(found["execution_bytes"]),
            "ratio": round(found["bytes"] / found["execution_bytes"], 3),
            "target": TARGET_BYTES,
            "holds": found["bytes"] <= TARGET_BYTES,
        },
    ]


# -- in the process of its own -------------------------------------------------------------------------------------------


def main() -> None:
    begin()
    added = compared()
    print(json.dumps({**added, **filled()}))


def events(count: int) -> list[Any]:
    from scripting.bus.events import Event
    from scripting.modules.topics import topics

    topic = topics.get(TOPIC)
    payload = topic.validate(topic.example)
    return [
        Event(
            id=secrets.token_hex(8),
            topic=TOPIC,
            payload=payload,
            subscribers=[("wargame", "event_processor")],
            key=f"game-{number % BATCH}",
            published_us=time.time_ns() // 1000,
        )
        for number in range(count)
    ]


def compared() -> dict[str, float]:
    """Processor µs of an event from its publishing to its commit and into the database's file, with and without its receipt.

    Added are the quieter quarter of commits and of checkpoints of each kind, and of what is done outside them, which is the same work in
    both: another process that takes the caches adds more than a receipt does.
    """
    from django.conf import settings

    from scripting.bus import drain, held, publishing, sharing
    from scripting.bus.publishing import Message
    from scripting.bus.streams import Stream
    from scripting.conf import conf
    from scripting.execution import ledger
    from scripting.modules.topics import topics
    from scripting.processes.startup import prepare_to_serve
    from scripting.workers import drain_job

    commits: dict[bool, list[float]] = {True: [], False: []}
    checkpoints: dict[bool, list[float]] = {True: [], False: []}
    outside, inside = [], 0.0
    commit = ledger.commit
    held.MAX_HELD_SECONDS, sharing.SLICE_SECONDS, drain.LINGER_SECONDS = 60.0, 60.0, 0.0  # nobody else is waited for
    stream = Stream.of("wargame", KEY, "")

    def measured_commit(decisions: Sequence[Any], **options: Any) -> list[Any]:
        nonlocal inside
        started = time.process_time()
        recorded = commit(decisions, **options)
        spent = time.process_time() - started
        inside += spent
        if len(decisions) == BATCH:
            commits[conf.SCRIPTING_RECEIPTS].append(spent / BATCH * 1e6)
        return recorded

    ledger.commit = measured_commit
    payload = topics.get(TOPIC).example
    for turn in range(TURNS + 2):
        settings.SCRIPTING_RECEIPTS = kind = turn % 4 in (0, 3)
        started, inside = time.process_time(), 0.0
        publishing.publish_many(Message(TOPIC, payload, key=KEY) for _ in range(EVENTS))
        while publishing.backlog().events:
            drain_job.drain_once(stream)
        decided = time.process_time()
        outside.append((decided - started - inside) / EVENTS * 1e6)
        checkpoint()
        checkpoints[kind].append((time.process_time() - decided) / EVENTS * 1e6)
        if turn == 1:
            prepare_to_serve()  # as a worker does
            for turns in (outside, *commits.values(), *checkpoints.values()):
                turns.clear()
    ledger.commit, settings.SCRIPTING_RECEIPTS = commit, True
    rest = quieter(outside)
    names = {"with": True, "without": False}
    return {name: rest + quieter(commits[kind]) + quieter(checkpoints[kind]) for name, kind in names.items()}


def quieter(turns: list[float]) -> float:
    return statistics.mean(sorted(turns)[: max(1, len(turns) // 4)])


def checkpoint() -> None:
    """Bring what was committed into the database's file, at the end of a turn alone: so pages that several commits change are written once."""
    from django.db import connection

    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint")
            cursor.execute("PRAGMA wal_autocheckpoint = 0")


def filled() -> dict[str, float]:
    """Write executions and seal their links: seconds to verify them before and after, processor µs of each, bytes of one more.

    The bytes are those that a day adds: what the digests of the day before took is free by then, and used again.
    """
    from scripting import clock
    from scripting.models import Execution, ReceiptLink
    from scripting.receipts.sealing import seal

    Execution.objects.all().delete()
    ReceiptLink.objects.all().delete()
    vacuum("FULL")
    written(RECEIPTS)
    unsealed, began = verified(), time.process_time()
    seal(clock.now())
    made = (time.process_time() - began) / RECEIPTS * 1e6
    found = {"unsealed": unsealed, "sealed": made, "verified": verified()}
    vacuum("")
    before = stored_bytes()
    executions = written(RECEIPTS)
    seal(clock.now())
    vacuum("")
    added = stored_bytes() - before - executions
    return found | {"execution_bytes": executions / RECEIPTS, "bytes": added / RECEIPTS}


def written(count: int) -> int:
    """Write executions and their links apart from each other: bytes of the executions."""
    from django.db import connection, transaction

    from scripting.engine import get_engine
    from scripting.execution import links
    from scripting.execution.rows import execution_row
    from scripting.models import Execution, ReceiptLink, uuid7
    from scripting.storage.bulk_insert import insert_rows

    few = [execution_row(get_engine().decide(e, "wargame", "event_processor"), "bench") for e in events(BATCH)]
    before, made = stored_bytes(), []
    for _ in range(0, count, BATCH):
        rows = [row | {"id": uuid7(), "event_id": secrets.token_hex(8)} for row in few]
        with transaction.atomic():
            insert_rows(Execution, rows)
        made.append(links.alone(rows))
    between = stored_bytes()
    for entries in made:
        with transaction.atomic():
            insert_rows(ReceiptLink, links.append(entries, connection))
    return between - before


def vacuum(how: str) -> None:
    """Let PostgreSQL use again what was altered, as it does by itself every few minutes; FULL forgets what was there before."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM {how} scripting_execution")
            cursor.execute(f"VACUUM {how} scripting_receiptlink")


def stored_bytes() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA page_count")
            pages = cursor.fetchone()[0]
            cursor.execute("PRAGMA freelist_count")
            free = cursor.fetchone()[0]
            cursor.execute("PRAGMA page_size")
            return int(pages - free) * int(cursor.fetchone()[0])
        tables: Sequence[str] = ("scripting_execution", "scripting_receiptlink")
        cursor.execute("SELECT " + " + ".join(f"pg_total_relation_size('{name}')" for name in tables))
        return int(cursor.fetchone()[0])


def verified() -> float:
    """Seconds to verify all of it, on a database that knows its own sizes, as one in use does."""
    from django.db import connection

    from scripting.receipts.verify import verify

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    started = time.perf_counter()
    report = verify()
    took = time.perf_counter() - started
    if not report.holds or report.looked["executions"] < RECEIPTS:
        raise RuntimeError(f"{report.looked} {[str(finding) for finding in report.findings[:3]]}")
    return took


if __name__ == "__main__":
    main()
