"""The log loses the index on its game, which its constraint (game, sequence) serves. An index is dropped, no row is touched."""

from django.db import migrations, models
from django.db.models import deletion


class Migration(migrations.Migration):
    dependencies = [("wargame", "0003_log_and_moments")]

    operations = [
        # SQLite would copy the whole table for a field that is altered.
        migrations.SeparateDatabaseAndState(
            [
                migrations.RunSQL(
                    "DROP INDEX IF EXISTS wargame_battlelogentry_game_id_b96706ed",
                    "CREATE INDEX IF NOT EXISTS wargame_battlelogentry_game_id_b96706ed ON wargame_battlelogentry (game_id)",
                )
            ],
            [
                migrations.AlterField(
                    "battlelogentry",
                    "game",
                    models.ForeignKey(
                        db_index=False, on_delete=deletion.CASCADE, related_name="log", to="wargame.game"
                    ),
                )
            ],
        )
    ]
