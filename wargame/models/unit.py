"""A unit on the map."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from wargame.hexes import Cell
from wargame.kinds import KIND_CHOICES, KINDS, Kind
from wargame.models.game import Game, Side
from wargame.models.of_game import OfGame, OfGameQuerySet


class UnitQuerySet(OfGameQuerySet):
    def living(self) -> UnitQuerySet:
        return self.filter(health__gt=0)


class Unit(OfGame):
    """A unit of one side. It changes only under the row lock of its game, by what a script decided."""

    game = models.ForeignKey(Game, on_delete=models.CASCADE, related_name="units")
    side = models.ForeignKey(Side, on_delete=models.CASCADE, related_name="units")
    code = models.CharField(max_length=60, help_text="Its id in events, such as harbour-armour-1.")
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=20, choices=KIND_CHOICES)
    health = models.PositiveIntegerField()
    max_health = models.PositiveIntegerField()
    x = models.PositiveSmallIntegerField(help_text="Column, from 0 at the left.")
    y = models.PositiveSmallIntegerField(help_text="Row, from 0 at the top.")
    moved_turn = models.PositiveIntegerField(default=0, help_text="The last turn in which it was ordered to move.")
    acted_turn = models.PositiveIntegerField(default=0, help_text="The last turn in which it was ordered to attack.")

    objects = UnitQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(fields=["game", "code"], name="wargame_unit_codes_are_unique"),
            models.UniqueConstraint(
                fields=["game", "x", "y"], condition=Q(health__gt=0), name="wargame_one_living_unit_per_hex"
            ),
            models.CheckConstraint(
                condition=Q(health__gte=0, health__lte=F("max_health")), name="wargame_health_within_bounds"
            ),
            models.CheckConstraint(condition=Q(kind__in=sorted(KINDS)), name="wargame_known_kinds"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def is_alive(self) -> bool:
        return self.health > 0

    @property
    def data(self) -> Kind:
        return KINDS[self.kind]

    @property
    def cell(self) -> Cell:
        return self.x, self.y
