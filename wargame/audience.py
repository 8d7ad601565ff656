"""All pages of this process that show one battle: one look at the database per change, and each page sent the newest look it can take.

Pages are told a few at a time, so that whoever else the process serves comes in between. A page that is slow is skipped
until it has taken what it was sent; it then gets the newest look, never a queue of old ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.db import DatabaseError, InterfaceError

from scripting.processes import groups
from wargame.live import group_of
from wargame.look import Look, look_at

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How often the database is looked at without a notice."""
SHORTEST_SECONDS = 0.1
"""Between two looks: changes that come quicker are shown together."""
AT_ONCE = 10
"""Pages that are told before the process turns to something else."""

_reader = ThreadPoolExecutor(1, "battle-pages")
"""Reads and renders: other pages wait for no look at a battle."""


class Seat:
    """A page's place in an audience: it holds the newest look that the page was not sent."""

    def __init__(self) -> None:
        self.had_any = False
        self._newest: Look | None = None
        self._offered = asyncio.Event()

    def offer(self, look: Look | None) -> None:
        """Put `look` in the place of one that was not taken yet. None: there is no such battle."""
        self.had_any = True
        self._newest = look
        self._offered.set()

    async def newest(self) -> Look | None:
        """Wait for a look that was not taken yet; None where there is no such battle."""
        await self._offered.wait()
        self._offered.clear()
        return self._newest


class Audience:
    """The pages of one battle. The first one begins it, the last one ends it."""

    def __init__(self, game_id: int) -> None:
        self.game_id = game_id
        self.seats: set[Seat] = set()
        self.look: Look | None = None
        self._notice = asyncio.Event()
        self._joining: asyncio.Task[None] | None = None
        self._task = asyncio.create_task(self._attend())

    def sit(self, since: int | None) -> Seat:
        """A place for a page that has seen the log up to `since`."""
        seat = Seat()
        self.seats.add(seat)
        if self.look is not None and (since or 0) <= self.look.sequence:
            seat.offer(self.look)
        else:
            self._notice.set()
        return seat

    async def leave(self, seat: Seat) -> None:
        self.seats.discard(seat)
        if not self.seats:
            self._end()
            await asyncio.wait([self._task])

    def _end(self) -> None:
        _audiences[asyncio.get_running_loop()].pop(self.game_id, None)
        self._task.cancel()

    async def _attend(self) -> None:
        """Look at once, after each notice, and every LOOK_SECONDS without one."""
        try:
            while True:
                self._join()
                self._notice.clear()
                began = time.monotonic()
                await self.step()
                await asyncio.sleep(max(0.0, SHORTEST_SECONDS - (time.monotonic() - began)))
                with contextlib.suppress(TimeoutError):
                    # No `wait_for`: that of Python 3.11 ignores an end that comes with a notice.
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._notice.wait()
        finally:
            if self._joining is not None:
                self._joining.cancel()
            groups.leave(group_of(self.game_id), self._hear)

    async def step(self) -> None:
        """Look once, and offer what is new to each page."""
        reading = asyncio.ensure_future(
            database_sync_to_async(look_at, thread_sensitive=False, executor=_reader)(self.game_id, self.look)
        )
        try:
            look = await asyncio.shield(reading)
        except asyncio.CancelledError:
            await asyncio.wait([reading])  # a thread cannot be called back
            raise
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the battle's pages cannot read the game: %s", error)
            return
        except Exception:  # the next look may do better; without its audience no page is told anything
            logger.exception("the battle's pages cannot be rendered")
            return
        is_new, self.look = look is not self.look, look
        for number, seat in enumerate(tuple(self.seats), 1):
            if is_new or not seat.had_any:
                seat.offer(look)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)

    def _join(self) -> None:
        """Follow the notices; try again at the next look while Redis is unavailable."""
        if self._joining is None or (self._joining.done() and self._joining.exception() is not None):
            self._joining = asyncio.create_task(groups.follow(group_of(self.game_id), self._hear))
            self._joining.add_done_callback(self._joined)

    def _joined(self, joining: asyncio.Task[None]) -> None:
        if joining.cancelled():
            return
        if error := joining.exception():
            logger.warning("the battle's pages get no notices: %s: %s", type(error).__name__, error)
        else:
            self._notice.set()  # what was told in the meantime

    def _hear(self, message: object) -> None:
        self._notice.set()


_audiences: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, Audience]] = WeakKeyDictionary()


def audience_of(game_id: int) -> Audience:
    """The audience of that battle on this event loop."""
    here = _audiences.setdefault(asyncio.get_running_loop(), {})
    if game_id not in here:
        here[game_id] = Audience(game_id)
    return here[game_id]
