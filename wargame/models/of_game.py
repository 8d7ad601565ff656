"""Rows that belong to a battle: no process goes on from what it keeps of it (`wargame.kept`) once they were changed by hand.

`wargame.rows` reads and writes them by statements of its own, with the battle's stamp. What goes past managers and `save()`, as `loaddata` and SQL
do, sets the stamp to 0 itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import models, router, transaction


@contextmanager
def _changing(rows: type[models.Model], games: Collection[int]) -> Iterator[None]:
    """A transaction that has the locks of the battles of some rows, taken in the order in which commits take them, and their stamps set to 0."""
    battles: Any = rows._meta.get_field("game").related_model
    using = router.db_for_write(battles)
    with transaction.atomic(using):
        found = battles.objects.using(using).filter(pk__in=games)
        if len(games) > 1:
            list(found.order_by("pk").select_for_update().values_list("pk"))
        found.update(stamp=0)
        yield


class OfGameQuerySet(models.QuerySet[Any]):
    """Rows that belong to battles; to change them voids the battles' stamps."""

    def update(self, **fields: Any) -> int:
        """Change the rows, and void the stamps of their battles."""
        with _changing(self.model, self._games()):
            return super().update(**fields)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete the rows, and void the stamps of their battles."""
        with _changing(self.model, self._games()):
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]  # a manager that deletes would delete every row

    def bulk_create(self, objs: Iterable[Any], *args: Any, **options: Any) -> list[Any]:
        """Make the rows, or change them, and void the stamps of their battles."""
        rows = list(objs)
        with _changing(self.model, {row.game_id for row in rows}):
            return super().bulk_create(rows, *args, **options)

    def _games(self) -> set[int]:
        return set(self.order_by().values_list("game_id", flat=True))


class OfGame(models.Model):
    """A row that belongs to a battle; to change it voids the battle's stamp."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        """Save the row, and void the stamp of its battle."""
        with _changing(type(self), [self.game_id]):  # type: ignore[attr-defined]
            super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        """Delete the row, and void the stamp of its battle."""
        with _changing(type(self), [self.game_id]):  # type: ignore[attr-defined]
            return super().delete(*args, **options)

    save.alters_data = True  # type: ignore[attr-defined]
    delete.alters_data = True  # type: ignore[attr-defined]
