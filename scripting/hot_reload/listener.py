"""In each running process: takes new versions as soon as a notice tells of them, acknowledges them, has them compiled.

A heartbeat, and one thread that receives notices and takes versions: each thread more that wakes for a change costs every process of a
fleet at the same moment. The database is the truth and is looked at anyway, so a notice that is lost, doubled or late does no harm.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping

import redis
from django.db import DatabaseError, InterfaceError, connections

from scripting.conf import conf
from scripting.hot_reload.sandboxes import Sandboxes
from scripting.hot_reload.subscription import Subscription
from scripting.models import SHARED
from scripting.modules.installed import modules
from scripting.processes import generation, notices
from scripting.processes.generation import Generation, Span
from scripting.processes.members import Heartbeat, LoadedVersion, Membership
from scripting.processes.notices import Notice
from scripting.registry.active import registry
from scripting.registry.carried import told_by
from scripting.registry.resolved import Key, ResolvedScript
from scripting.runtime.pool import vitals
from scripting.storage import database, redis_errors
from scripting.subscriptions import subscribed

logger = logging.getLogger(__name__)

WARM_SECONDS = 0.03
"""How long after the last change sandboxes are made ready: compiling in one process would delay the others' acknowledgements."""
LOOK_SECONDS = 0.25
"""How long a change waits for its notice before the process looks by itself; how often it looks while nothing can tell of changes."""
IDLE_SECONDS = 1.0
"""After so long without a look into the database the connection is for others to have."""
RESTING_SECONDS = 1.0
"""How often a process looks whether sandboxes of replaced versions are to be given up, while it has some."""
TELLS_OF_CHANGE = frozenset(
    {
        notices.ACTIVATED,
        notices.REVERTED,
        notices.CHANGED,
        notices.SUBSCRIBED,
        notices.BREAKER_OPENED,
        notices.BREAKER_CLOSED,
        notices.FALLBACK_FAILED,
    }
)


class Listener:
    """One per process. `step` is one round of taking; `start` and `stop` are the threads.

    `heartbeat` False: whoever made it calls `member.beat` each second (a worker has a heartbeat already).
    """

    def __init__(self, kind: str, *, heartbeat: bool = True) -> None:
        self.member = Membership(kind, vitals)
        self.missed = 0
        """Changes that were found by looking, for want of their notice."""
        self._loaded: dict[Key, ResolvedScript] = {}
        self._subscribed: dict[str, LoadedVersion] = {}
        self._followed: Generation | None = None
        """Every change up to this generation has been taken and acknowledged."""
        self._sandboxes = Sandboxes()
        self._early: set[int] = set()
        """Changes after the next one, taken before it."""
        self._mark: int | None = None
        """Every row of history up to this one is known."""
        self._passed: set[int] = set()
        """Rows behind the next one that notices told of before it."""
        self._passed_at = float("-inf")
        """When a notice last moved the mark."""
        self._looked = self._polled = self._used = self._rested_at = float("-inf")
        self._started = False
        self._awaited: Generation | None = None
        """One whose notice was given time to come."""
        self._calling = threading.Lock()
        self._called_at: float | None = None
        """When this process heard that something changed, until it has looked or followed that change."""
        self._called_for = 0.0
        """The latest change that it was called for."""
        self._told_mark: tuple[float, int] | None = None
        """The database's mark as another process told it, and when."""
        self.member.on_beat = self._heard
        self._heartbeat = Heartbeat(self.member.beat) if heartbeat else None
        self._subscription = Subscription(joined=self._call)
        self._lost = False
        """Whether the database could not be asked, and its return is not told yet."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="script-listener", daemon=True)

    def start(self) -> None:
        """Begin to listen; the versions of now are taken and acknowledged on the way."""
        with contextlib.suppress(redis.RedisError):
            self.member.beat()
        if self._heartbeat is not None:
            self._heartbeat.start()
        self._thread.start()

    def stop(self) -> None:
        """End, and be listed no longer."""
        self._stopping.set()
        self._subscription.ring()
        if self._heartbeat is not None:
            self._heartbeat.end()
        self._thread.join(5)
        with contextlib.suppress(redis.RedisError):
            self.member.leave()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                try:
                    if not self.step() and time.monotonic() >= self._rests_at():
                        self._rest()
                    self._lost = self._lost and not database.outage.over()
                except (DatabaseError, InterfaceError, redis.RedisError) as error:
                    self._tell(error)
                    self._look_again()
                except Exception:
                    logger.exception("versions are looked at again")
                    self._look_again()
        finally:
            self._subscription.leave()
            connections.close_all()

    def _tell(self, error: Exception) -> None:
        """An outage once, then a count: it is met several times a second."""
        if database.is_unavailable(error):
            self._lost = True
            database.outage.note_here(error)
        elif not (isinstance(error, redis.RedisError) and redis_errors.noted(error)):
            logger.warning("versions are looked at again: %s", error)

    def _look_again(self) -> None:
        """After a failure nothing is certain but what the database says."""
        self._followed = None
        self._started = False
        connections.close_all()
        self._stopping.wait(LOOK_SECONDS)

    def _call(self, change: int | None = None) -> None:
        """Have this process look soon; the notice of the change may still be on its way. Of one that it followed already there is nothing to find."""
        with self._calling:
            if change is None or change > generation.number(self._followed):
                self._called_at = self._called_at or time.monotonic()
                self._called_for = max(self._called_for, math.inf if change is None else change)

    def _answer_calls(self, followed: float = math.inf) -> None:
        """Have no look at changes up to this one."""
        with self._calling:
            if self._called_for <= followed:
                self._called_at, self._called_for = None, 0.0

    def _heard(self, made: Generation, mark: int | None) -> None:
        """With every beat: what no notice told of."""
        now = time.monotonic()
        if mark is not None and mark < (self._mark or 0) and now - self._passed_at < conf.SCRIPTING_POLL_SECONDS:
            mark = self._mark  # who reads it for all has not read it since the notices that this process followed
        self._told_mark = None if mark is None else (now, mark)
        followed = self._followed
        if mark not in {None, self._mark or 0}:
            self._call()
        elif followed is not None and made[0] == followed[0] and generation.number(made) > generation.number(followed):
            self._call(generation.number(made))
        elif made != followed:
            self._call()
        if self._called_at is not None:
            self._subscription.ring()

    # -- one round ---------------------------------------------------------------------------------------------------

    def step(self, wait: float | None = None) -> bool:
        """Take what notices of the next `wait` seconds tell of (None: until something is due), or look when that is due; whether anything was taken."""
        if not self._started:
            self._subscription.join()  # before the look: what changes behind it is told
            self._answer_calls()
            return self._catch_up(generation.read())
        arrived = self._arrived(self._until_due() if wait is None else wait)
        taken = self._follow(arrived) if arrived else False
        self._sandboxes.step(self._loaded, is_calm=not arrived)
        if time.monotonic() >= self._look_at():
            taken = self._look() or taken
        return taken

    def _until_due(self) -> float:
        """Seconds until there is something to do, whoever tells of something or not."""
        now = time.monotonic()
        due = self._look_at()
        if now < self._rests_at():
            due = min(due, self._rests_at())
        if self._sandboxes.is_waiting:
            due = min(due, now + WARM_SECONDS)
        elif self._sandboxes.are_resting:
            due = min(due, now + RESTING_SECONDS)
        return max(0.0, due - now)

    def _rests_at(self) -> float:
        """From then on the connection to the database is for others to have."""
        return max(self._polled, self._used) + IDLE_SECONDS

    def _rest(self) -> None:
        if self._rested_at < max(self._polled, self._used):
            self._rested_at = time.monotonic()
            connections.close_all()

    def _look_at(self) -> float:
        """When the next look is due."""
        called_at = self._called_at
        if called_at is not None:
            return called_at + LOOK_SECONDS
        return self._looked + (conf.SCRIPTING_POLL_SECONDS if self._subscription.is_told else LOOK_SECONDS)

    def _arrived(self, wait: float) -> list[Notice]:
        return [notice for notice in self._subscription.wait(wait) if notice.kind in TELLS_OF_CHANGE]

    def _follow(self, arrived: Iterable[Notice]) -> bool:
        """Take the scripts that the notices name, each once however many tell of it."""
        news = [notice for notice in arrived if not self._is_old(notice)]
        if not news:
            return False
        keys = {notice.key for notice in news if notice.kind != notices.SUBSCRIBED}
        span = self._span(news)
        helpers = {key for key in keys if key[0] == SHARED}
        keys |= {key for key, script in self._loaded.items() if any(script.may_import(name) for _, name in helpers)}
        if not helpers <= self._loaded.keys():
            seen = generation.read()  # a new one: what it is called may have been in any text
            found = registry.take_all(seen)
            keys |= found.keys() | self._loaded.keys()
            reached = seen
            self._early.clear()
        else:
            found = self._take(keys, span, news)
            reached = span.reached if span is not None else self._followed
        self._acknowledge(found, keys)
        if any(notice.kind == notices.SUBSCRIBED for notice in news):
            self._take_subscriptions()
        self._followed = reached
        self._answer_calls(generation.number(reached))
        self._call(max(notice.counter for notice in news))  # one before it may be lost
        self._pass_marks(news)
        return True

    def _take(self, keys: set[Key], span: Span | None, news: Collection[Notice]) -> dict[Key, ResolvedScript]:
        """As the notices carry them, where all of a script's do: then this process asks the database for nothing."""
        told = told_by(news)
        found = registry.adopt(told, span if told.keys() == keys else None) if told else {}
        if found.keys() == keys:
            return found
        self._used = time.monotonic()
        return found | registry.take(keys - found.keys(), span)

    def _pass_marks(self, news: Iterable[Notice]) -> None:
        """Have the database not looked through for changes that notices told of, one after the other."""
        if self._mark is not None:
            self._passed |= {notice.change for notice in news if notice.change > self._mark}
            while self._mark + 1 in self._passed:
                self._mark += 1
                self._passed.discard(self._mark)
                self._passed_at = time.monotonic()

    def _is_old(self, notice: Notice) -> bool:
        """Whether its change has been taken already."""
        made = notice.generation
        if made is None or self._followed is None or made[0] != self._followed[0]:
            return False
        return notice.counter <= generation.number(self._followed) or notice.counter in self._early

    def _span(self, news: Iterable[Notice]) -> Span | None:
        """All changes from the next one on, without a gap, that these notices and earlier ones told of."""
        if self._followed is None or self._followed[0] is None:
            return None
        epoch = self._followed[0]
        self._early |= {n.counter for n in news if n.generation is not None and n.generation[0] == epoch}
        first = last = generation.number(self._followed) + 1
        while last in self._early:
            self._early.discard(last)
            last += 1
        return Span(epoch, first, last - 1) if last > first else None

    def _look(self) -> bool:
        """Find what no notice told of: by the generation, and now and then in the database itself."""
        now = self._looked = time.monotonic()
        self._answer_calls()
        seen = generation.read()
        if seen is not None and seen != self._followed:
            if self._may_be_on_its_way(seen):
                self._awaited = seen
                self._call(generation.number(seen))
                return False
            self.missed += 1
            return self._catch_up(seen)
        if self._is_poll_due(now):
            self._polled = now
            if registry.mark() != self._mark:
                return self._catch_up(seen)
        return False

    def _may_be_on_its_way(self, seen: Generation) -> bool:
        """Whether a change was made so lately that its notice may still come: else a slow machine has every process read everything."""
        followed, awaited = self._followed, self._awaited
        if not self._subscription.is_told or followed is None or seen[0] != followed[0]:
            return False
        if generation.number(seen) < generation.number(followed):
            return False  # Redis came back as it was a while ago
        return awaited is None or awaited[0] != seen[0] or generation.number(awaited) <= generation.number(followed)

    def _is_poll_due(self, now: float) -> bool:
        """Whether the database is to be asked: not as long as another process does and finds nothing new."""
        if self._told_mark is not None:
            at, mark = self._told_mark
            if mark == (self._mark or 0) and now - at < conf.SCRIPTING_POLL_SECONDS:
                return False
        return now - self._polled >= conf.SCRIPTING_POLL_SECONDS

    def _catch_up(self, seen: Generation | None) -> bool:
        """Take everything as it is now."""
        mark = registry.mark()
        found = registry.take_all(seen)
        self._acknowledge(found, found.keys() | self._loaded.keys())
        self._take_subscriptions()
        self._followed, self._mark, self._started = seen, mark, True
        self._early.clear()
        self._passed.clear()
        self._looked = self._polled = time.monotonic()
        return True

    # -- what was taken ----------------------------------------------------------------------------------------------

    def _acknowledge(self, found: Mapping[Key, ResolvedScript], keys: Iterable[Key]) -> None:
        """Say what is loaded, and tell the modules."""
        loaded = dict(self._loaded)
        changed: dict[Key, ResolvedScript | None] = {}
        for key in keys:
            before, now = loaded.pop(key, None), found.get(key)
            if now is not None:
                loaded[key] = now
            if _loaded(before) != _loaded(now):
                changed[key] = now
                if before is not None:
                    self._sandboxes.changed(key, before)
        if changed:
            self.member.acknowledge({f"{module}/{name}": _loaded(now) for (module, name), now in changed.items()})
        self._loaded = loaded  # not before it was acknowledged: a failure begins anew
        for (module, name), now in changed.items():
            _tell(module, name, now.active.bundle.digest if now else "")

    def _take_subscriptions(self) -> None:
        """Read which scripts run on which topic, and say which sets are loaded."""
        taken = {one.ack_name: LoadedVersion(one.number, one.digest) for one in subscribed.table.take()}
        if taken != self._subscribed:
            gone = self._subscribed.keys() - taken.keys()
            self.member.acknowledge({**dict.fromkeys(gone), **taken})
            self._subscribed = taken


def _loaded(script: ResolvedScript | None) -> LoadedVersion | None:
    return LoadedVersion(script.active.info.number, script.active.bundle.digest) if script else None


def _tell(module: str, script: str, digest: str) -> None:
    known = modules.get(module)
    if known is None:
        return
    try:
        known.on_script_changed(script, digest)
    except Exception:
        logger.exception("%s: on_script_changed(%s) failed", module, script)


# -- this process's ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def listening(kind: str) -> Iterator[Listener]:
    """A listener for the time of the block."""
    listener = Listener(kind)
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()
