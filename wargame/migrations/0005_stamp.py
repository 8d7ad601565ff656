"""Battles get a stamp, another one with each write: what a process keeps of a battle is as it was where the stamp is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("wargame", "0004_log_of_a_game_by_its_constraint")]

    operations = [
        migrations.AddField(
            "game",
            "stamp",
            models.BigIntegerField(
                db_default=0,
                default=0,
                editable=False,
                help_text="Another one with each write of the battle, its sides and its units; 0 after a change by hand: set it with a change in SQL.",
            ),
        )
    ]
