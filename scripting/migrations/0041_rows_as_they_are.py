"""PostgreSQL keeps rows of executions and outgoing events as they are, up to a page: to compress each of 2 KB or more was a quarter of a commit."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TABLES = ("scripting_execution", "scripting_outboxevent")


def keep(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        for table in TABLES:
            editor.execute(f"ALTER TABLE {table} SET (toast_tuple_target = 8160)")


def compress(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        for table in TABLES:
            editor.execute(f"ALTER TABLE {table} RESET (toast_tuple_target)")


class Migration(migrations.Migration):
    """No row is touched, and nobody waits: those that are there stay as they were written."""

    dependencies = [("scripting", "0040_indexes_of_events")]

    operations = [migrations.RunPython(keep, compress)]
