"""PostgreSQL looks whether an execution still points to a script or version where one of these is deleted, which nobody does, no longer where an
execution is written: that was a quarter of the server's time for an event. SQLite, where it costs little, keeps its
constraints, as long as no later migration makes these tables anew.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

POINTERS = (
    ("scripting_execution", "script_id", "scripting_script"),
    ("scripting_execution", "version_id", "scripting_scriptversion"),
    ("scripting_execution", "error_version_id", "scripting_scriptversion"),
    ("scripting_attempt", "version_id", "scripting_scriptversion"),
)
"""Table, column, and the table whose ids it holds."""

KEEP = """
-- As a foreign key: it looks into these very tables, whoever deletes and whatever their search_path leads to.
CREATE FUNCTION scripting_keep_what_ran() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    found boolean;
BEGIN
    LOCK TABLE scripting_execution, scripting_attempt IN SHARE MODE;  -- none is being written while it looks
    IF TG_TABLE_NAME = 'scripting_script' THEN
        found := EXISTS (SELECT FROM scripting_execution WHERE script_id = OLD.id);
    ELSE
        found := EXISTS (SELECT FROM scripting_execution WHERE version_id = OLD.id)
            OR EXISTS (SELECT FROM scripting_execution WHERE error_version_id = OLD.id)
            OR EXISTS (SELECT FROM scripting_attempt WHERE version_id = OLD.id);
    END IF;
    IF found THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('executions point to row %s of %s', OLD.id, TG_TABLE_NAME),
            HINT = 'It tells what decided: it stays as long as they do.',
            TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END
$$
"""
WATCHED = ("scripting_script", "scripting_scriptversion")


def keep(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor != "postgresql":
        return
    editor.execute(KEEP.format(schema=_schema(editor)), params=None)
    for table in WATCHED:
        editor.execute(
            f"CREATE TRIGGER keep_what_ran AFTER DELETE OR UPDATE OF id ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION scripting_keep_what_ran()"
        )
    for name, table in _constraints(editor):
        editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {editor.quote_name(name)}")


def constrain(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor != "postgresql":
        return
    for table, column, target in POINTERS:
        editor.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_fk FOREIGN KEY ({column}) REFERENCES {target} (id) DEFERRABLE INITIALLY DEFERRED"
        )
    editor.execute("DROP FUNCTION scripting_keep_what_ran() CASCADE")


def _schema(editor: BaseDatabaseSchemaEditor) -> str:
    """That of the tables, quoted."""
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT relnamespace::regnamespace FROM pg_class WHERE oid = 'scripting_execution'::regclass")
        return str(cursor.fetchone()[0])


def _constraints(editor: BaseDatabaseSchemaEditor) -> list[tuple[str, str]]:
    """The foreign keys of these columns, each with its table: their names are Django's."""
    found = []
    with editor.connection.cursor() as cursor:
        for table in dict.fromkeys(table for table, _, _ in POINTERS):
            columns = [[column] for of, column, _ in POINTERS if of == table]
            for name, each in editor.connection.introspection.get_constraints(cursor, table).items():
                if each["foreign_key"] and each["columns"] in columns:
                    found.append((name, table))
    return found


def _pointer(model: str, name: str, to: str, **more: object) -> migrations.AlterField:
    field = models.ForeignKey(
        on_delete=django.db.models.deletion.PROTECT, to=to, db_index=False, db_constraint=False, **more
    )
    return migrations.AlterField(model_name=model, name=name, field=field)


class Migration(migrations.Migration):
    dependencies = [("scripting", "0043_indexes_that_grow_at_their_end")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(keep, constrain)],
            state_operations=[
                _pointer("execution", "script", "scripting.script", related_name="executions"),
                _pointer("execution", "version", "scripting.scriptversion", related_name="+", null=True),
                _pointer(
                    "execution",
                    "error_version",
                    "scripting.scriptversion",
                    related_name="+",
                    null=True,
                    help_text="Whose attempt failed first; another may have decided in its place.",
                ),
                _pointer("attempt", "version", "scripting.scriptversion", related_name="+", null=True),
            ],
        )
    ]
