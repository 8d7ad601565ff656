"""The battles that one commit is about: read once, changed in memory, written once at its end.

Outcomes are carried out in order, each on what those before it left of its battle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from scripting.modules.calls import CallContext, OutOfDate
from wargame import rows
from wargame.finding import find_game, number_named
from wargame.play.steps import Step
from wargame.rows import Changes, Table


class UnitOfWork:
    """Battles with their rows locked, and what is to be written of them. It lives inside one transaction."""

    def __init__(self) -> None:
        self._changes: dict[int, Changes] = {}
        self._asked: set[int] = set()
        """Numbers that were looked for: of some there is no battle."""

    def read(self, numbers: Iterable[int]) -> None:
        """Lock and read those of these battles that were not looked for yet."""
        if unread := set(numbers) - self._asked:
            self._asked |= unread
            self._changes |= {table.game.id: Changes(table) for table in rows.all_locked(unread)}

    def find(self, context: CallContext, unit_code: Callable[[], str] = str) -> Table | None:
        """The battle that the event is about, as the outcomes before left it; None where there is no such battle.

        It is looked for by a unit of it where the event names none.
        """
        number = number_named(context, context.payload)
        if number is None:
            number = self._look_up(context, unit_code)
        self.read([number] if number else [])
        found = self._changes.get(number)
        return found.table if found is not None else None

    def _look_up(self, context: CallContext, unit_code: Callable[[], str]) -> int:
        """The number of the battle of an event that names none; 0 where none runs."""
        self.write()  # the database is asked which battles run
        game = find_game(context, context.payload, unit_code())
        return game.id if game is not None else 0

    def add(self, table: Table, step: Step) -> None:
        """Take what a step changed of its battle, to be written at the end."""
        self._changes[table.game.id].add(step)

    def write(self) -> None:
        """Write what is not written yet; the locks stay."""
        changes = list(self._changes.values())
        rows.write_all(changes)
        self._changes = {each.table.game.id: Changes(each.table) for each in changes}


class WorkAhead(UnitOfWork):
    """The same of battles as this process keeps them, before its transaction begins."""

    def __init__(self, kept: Iterable[Table]) -> None:
        super().__init__()
        self._changes = {table.game.id: Changes(table) for table in kept}
        self._stamps = {number: changes.table.game.stamp for number, changes in self._changes.items()}
        self._asked = set(self._changes)

    def read(self, numbers: Iterable[int]) -> None:
        """Raises OutOfDate for a battle that it was not made with."""
        if not self._asked.issuperset(numbers):
            raise OutOfDate

    def _look_up(self, context: CallContext, unit_code: Callable[[], str]) -> int:
        raise OutOfDate

    def write(self) -> None:
        """Inside the transaction. Raises OutOfDate where a battle has changed."""
        rows.lock_as_kept(self._stamps)
        super().write()


def ahead(calls: Sequence[CallContext]) -> WorkAhead | None:
    """A unit of work that has the battles of these calls before its transaction; None where this process does not keep them all."""
    numbers = {number_named(call, call.payload) or 0 for call in calls}
    kept = rows.all_kept(numbers)
    return WorkAhead(kept) if kept is not None else None


@contextmanager
def around(calls: Sequence[CallContext]) -> Iterator[UnitOfWork]:
    """A unit of work that has the battles of these calls; it is written unless an exception leaves it."""
    work = UnitOfWork()
    work.read(number for call in calls if (number := number_named(call, call.payload)))
    yield work
    work.write()


def of(context: CallContext) -> AbstractContextManager[UnitOfWork]:
    """That of the commit; outside one, one for this call alone."""
    work = context.unit_of_work
    return nullcontext(work) if isinstance(work, UnitOfWork) else around([context])
