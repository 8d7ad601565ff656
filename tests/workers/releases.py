"""Releases before and after this one, as far as running workers meet them: jobs under an old name, tables with more columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from django.apps import apps
from django.db import connection, models

from scripting.bus import drain_queue, publishing, streams
from scripting.models import Attempt, Execution, OutboxEvent
from scripting.storage.concurrent_indexes import AddIndexConcurrently

OLD_NAME = "scripting.jobs.drain"


def publish_as_before(runner: str, lap: int) -> None:
    """Publish a lap as the older release did: only the name of the job differs."""
    event = publishing.make_event("track.lap", {"lap": lap}, key=runner)
    for stream, job in streams.append([(streams.Stream.of("track", event.key, event.id), event.encode())]):
        drain_queue.drain_queue().enqueue_call(OLD_NAME, args=(stream.module, stream.shard), job_id=job, timeout=60)


TABLES = (Execution, Attempt, OutboxEvent)
INDEX = models.Index(fields=["script", "id"], name="of_the_next_release")


@contextmanager
def next_release() -> Iterator[None]:
    """Within it, the database has what the next release's migrations bring: a column of each big table, and an index."""
    added = []
    operation, state = AddIndexConcurrently("execution", INDEX), SimpleNamespace(apps=apps)
    try:
        for model in TABLES:
            field = models.CharField(max_length=8, default="new", db_default="new")
            field.set_attributes_from_name("of_next_release")
            field.model = model
            with connection.schema_editor() as editor:
                editor.add_field(model, field)
            added.append((model, field))
        with connection.schema_editor(atomic=False) as editor:
            operation.database_forwards("scripting", editor, state, state)
        yield
    finally:
        with connection.schema_editor(atomic=False) as editor:
            editor.execute("DROP INDEX IF EXISTS of_the_next_release")
        for model, _ in added:
            with connection.schema_editor() as editor:
                editor.execute(f"ALTER TABLE {model._meta.db_table} DROP COLUMN of_next_release")
