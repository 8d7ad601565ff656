"""A battle: its map, its turn, its two sides and how it ended."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from scripting import clock
from wargame.maps import BattleMap
from wargame.models.of_game import OfGame, OfGameQuerySet
from wargame.play.state import Phase


class GameQuerySet(models.QuerySet["Game"]):
    def running(self) -> GameQuerySet:
        return self.filter(status=Game.Status.RUNNING)

    def locked(self, pk: int) -> Game:
        """The game with its row locked until the transaction ends (SQLite: its transactions are immediate already)."""
        return self.select_for_update().get(pk=pk)


class Game(models.Model):
    """One battle. Whoever changes it or its units holds its row lock."""

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        FINISHED = "finished", "Finished"

    class Phase(models.TextChoices):
        MOVEMENT = Phase.MOVEMENT.value, "Movement"
        COMBAT = Phase.COMBAT.value, "Combat"
        OVER = Phase.OVER.value, "Over"

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    phase = models.CharField(max_length=10, choices=Phase.choices, default=Phase.MOVEMENT)
    turn = models.PositiveIntegerField(default=1)
    map_name = models.CharField(max_length=60)
    terrain = models.TextField(help_text="Rows of terrain letters, as the map was when the battle began.")
    seed = models.PositiveBigIntegerField(help_text="Decides deployment and the order in which units act.")
    demo = models.BooleanField(default=True, help_text="The battle that the start page shows; at most one runs.")
    winner = models.ForeignKey("Side", null=True, blank=True, on_delete=models.RESTRICT, related_name="games_won")
    outcome = models.CharField(max_length=200, blank=True, help_text="How it ended, in a sentence.")
    sequence = models.PositiveBigIntegerField(default=0, help_text="Number of the last entry in the battle log.")
    stamp = models.BigIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="Another one with each write of the battle, its sides and its units; 0 after a change by hand: set it with a change in SQL.",
    )
    started = models.DateTimeField(default=timezone.now)
    ended = models.DateTimeField(null=True, blank=True)

    objects = GameQuerySet.as_manager()

    class Meta:
        verbose_name = "battle"
        ordering = ("-pk",)
        permissions = (("play_game", "Can give orders and fire test shots"),)
        constraints = (
            models.UniqueConstraint(
                fields=["demo"], condition=Q(status="running", demo=True), name="wargame_one_running_demo"
            ),
            models.CheckConstraint(
                condition=Q(status="running", ended=None, winner=None) | Q(status="finished", ended__isnull=False),
                name="wargame_finished_games_have_an_end",
            ),
            models.CheckConstraint(condition=Q(turn__gte=1), name="wargame_turns_count_from_one"),
        )
        indexes = (models.Index(fields=["status", "-id"], name="wargame_running_games"),)

    def __str__(self) -> str:
        return f"Battle {self.pk} of {self.map_name}"

    def save(self, *args: Any, **options: Any) -> None:
        """Save it without its stamp, which may be an old one that some process still keeps."""
        self.stamp = 0
        if options.get("update_fields") is not None:
            options["update_fields"] = {*options["update_fields"], "stamp"}
        super().save(*args, **options)

    @property
    def key(self) -> str:
        """Ordering key of this game's events, and its id in payloads."""
        return str(self.pk)

    @property
    def is_running(self) -> bool:
        return self.status == self.Status.RUNNING

    @cached_property
    def map(self) -> BattleMap:
        return BattleMap.from_text(self.map_name, self.terrain)

    def enter(self, turn: int, phase: str) -> None:
        self.turn, self.phase = turn, str(phase)
        self.save(update_fields=["turn", "phase"])

    def finish(self, winner: Side | None, outcome: str) -> None:
        self.status = self.Status.FINISHED
        self.phase = self.Phase.OVER
        self.winner = winner
        self.outcome = outcome[:200]
        self.ended = clock.now()
        self.save(update_fields=["status", "phase", "winner", "outcome", "ended"])


class Side(OfGame):
    """One of the two armies of a game."""

    game = models.ForeignKey(Game, on_delete=models.CASCADE, related_name="sides")
    key = models.CharField(max_length=20)
    name = models.CharField(max_length=60)
    score = models.PositiveIntegerField(
        default=0, help_text="Points of damage done, and a bonus for each unit destroyed."
    )

    objects = OfGameQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=["game", "key"], name="wargame_side_keys_are_unique"),)

    def __str__(self) -> str:
        return self.name
