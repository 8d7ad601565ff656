"""A process of the release before knows no stamps: where it writes a battle, the database takes the stamp away."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

UNCHANGED = "NEW.stamp = OLD.stamp AND NEW.stamp <> 0"
ON_SQLITE = f"""
CREATE TRIGGER wargame_void_stamp AFTER UPDATE ON wargame_game FOR EACH ROW WHEN {UNCHANGED}
BEGIN UPDATE wargame_game SET stamp = 0 WHERE id = NEW.id; END"""  # noqa: S608 - nothing of anybody in it
ON_POSTGRESQL = f"""
CREATE FUNCTION wargame_void_stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.stamp := 0; RETURN NEW; END';
CREATE TRIGGER wargame_void_stamp BEFORE UPDATE ON wargame_game FOR EACH ROW WHEN ({UNCHANGED})
EXECUTE FUNCTION wargame_void_stamp()"""


def add(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    editor.execute(ON_POSTGRESQL if editor.connection.vendor == "postgresql" else ON_SQLITE)


def drop(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP TRIGGER wargame_void_stamp ON wargame_game; DROP FUNCTION wargame_void_stamp()")
    else:
        editor.execute("DROP TRIGGER wargame_void_stamp")


class Migration(migrations.Migration):
    dependencies = [("wargame", "0005_stamp")]

    operations = [migrations.RunPython(add, drop)]
