"""The ledger of a drill: laps that were published and acknowledged, and afterwards the recount of all that became of them."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import count

import redis
from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from scripting import clock
from scripting.bus import publishing
from scripting.bus.publishing import Message, Overloaded
from scripting.metrics import error_groups, folding
from scripting.models import ErrorDelta, Execution, ExecutionStat, LoneCommit, StatDelta
from scripting.models.rollups import OUTCOMES
from scripting.receipts.sealing import seal
from scripting.receipts.verify import verify
from tests.drills.catalogue import Result
from tests.support.stack import wait_until
from tests.workers.track import laps

UNAVAILABLE = (redis.RedisError, Overloaded, DatabaseError, InterfaceError)
ANSWERED = {"succeeded", "fell_back"}


class Ledger:
    """A thread that publishes a lap of each runner in turn, `rate` a second (0: as fast as it can, a lap of all runners at once).

    A context manager that ends it. A lap that was refused, or of which nobody knows whether it was accepted, is published again under the same id before the
    runner's next one.
    """

    def __init__(self, rate: float, runners: int = 12, turns: int = 0) -> None:
        self.rate = rate
        self.turns = turns
        self.acknowledged: dict[str, int] = {f"runner-{number}": 0 for number in range(runners)}
        self.refused: Counter[str] = Counter()
        """Publishes that did not succeed, by the error."""
        self.longest = 0.0
        """Seconds that the longest publish took, refused or not."""
        self.error: BaseException | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger")

    @property
    def total(self) -> int:
        """Laps that were acknowledged."""
        return sum(self.acknowledged.values())

    def _run(self) -> None:
        try:
            for lap in count(1):
                due = [(runner, lap) for runner in self.acknowledged]
                size = 1 if self.rate else len(due)
                for first in range(0, len(due), size):
                    if self._ended.wait(size / self.rate if self.rate else 0):
                        return
                    self._publish(due[first : first + size])
        except BaseException as error:
            self.error = error
            raise
        finally:
            connections.close_all()

    def _publish(self, due: Sequence[tuple[str, int]], *, known: bool = False) -> None:
        messages = [
            Message("track.lap", {"lap": lap, "turns": self.turns}, key=runner, event_id=f"{runner}/{lap}")
            for runner, lap in due
        ]
        while True:
            began = time.monotonic()
            try:
                publishing.publish_many(messages)
            except UNAVAILABLE as error:
                self.refused[type(error).__name__] += 1
                close_old_connections()
                time.sleep(0.1)
            else:
                if not known:
                    self.acknowledged.update(due)
                return
            finally:
                self.longest = max(self.longest, time.monotonic() - began)

    def publish_again(self) -> None:
        """Publish all that was acknowledged once more, under the same ids and in the same order, as after a restore."""
        for lap in range(1, max(self.acknowledged.values()) + 1):
            self._publish([(runner, lap) for runner, last in self.acknowledged.items() if lap <= last], known=True)

    def __enter__(self) -> Ledger:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()

    # -- the recount -----------------------------------------------------------------------------------------------------

    def recount(self, seconds: float = 120, *, in_order: bool = True) -> Iterator[Result]:
        """Wait until all that was acknowledged has run, and compare everything with it."""
        yield Result("publishing went on to the end", repr(self.error) if self.error else "yes", self.error is None)
        try:
            wait_until(lambda: executed() >= self.total and waiting() == 0, seconds)
        except TimeoutError:
            yield Result(f"all has run {seconds:.0f} s after the end", f"{waiting()} events wait", False)
        close_old_connections()
        found = laps() if in_order else {runner: sorted(ran) for runner, ran in laps().items()}
        expected = {runner: list(range(1, last + 1)) for runner, last in self.acknowledged.items() if last}
        wrong = sorted(runner for runner in expected.keys() | found.keys() if expected.get(runner) != found.get(runner))
        yield Result(
            f"each acknowledged event took effect once{', in the order of its key' if in_order else ''}",
            f"{self.total} events" if not wrong else f"wrong: {', '.join(wrong)}: {differences(expected, found)}",
            not wrong,
        )
        rows = Counter(Execution.objects.values_list("status", flat=True))
        kept = rows.total() == self.total and rows.keys() <= ANSWERED
        yield Result("each has one execution, and was decided", dict(rows), kept)
        letters = publishing.backlog().dead_letters
        yield Result("dead letters", letters, letters == 0)
        yield recounted()
        for state in ("receipts verify before they are made", "receipts verify"):
            report = verify()
            looked = ", ".join(f"{n} {what}" for what, n in report.looked.items())
            yield Result(state, "; ".join(map(str, report.findings[:3])) or looked, report.holds)
            seal(clock.now())
        yield Result("publishes that were refused and repeated", dict(self.refused))


def differences(expected: dict[str, list[int]], found: dict[str, list[int]]) -> str:
    """The first place where they differ, for who looks for the reason."""
    for runner in sorted(expected):
        for place, (wanted, got) in enumerate(zip(expected[runner], [*found.get(runner, []), None], strict=False)):
            if wanted != got:
                return f"{runner} has {got} in place {place} for {wanted}"
    return "more than was published"


def recounted() -> Result:
    """Whether the rollups of every span say what a count of the executions says."""
    with_retry(folding.fold_all)  # workers that still live may fold too
    with_retry(lambda: [None for _ in range(1000) if error_groups.fold()])
    counted = Counter(Execution.objects.values_list("status", flat=True))
    waiting = StatDelta.objects.count() + LoneCommit.objects.count() + ErrorDelta.objects.count()
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for row in ExecutionStat.objects.all():
        told[row.span].update({outcome: getattr(row, outcome) for outcome in OUTCOMES})
    wrong = [f"{span}: {dict(+told[span])}" for span in ExecutionStat.Span.values if +told[span] != counted]
    return Result(
        "rollups equal a recount", "; ".join(wrong) or f"{len(told)} spans", not wrong and not waiting and bool(told)
    )


def with_retry(work, tries: int = 5):  # type: ignore[no-untyped-def]
    """The database may have closed what this process had open."""
    for left in reversed(range(tries)):
        close_old_connections()
        try:
            return work()
        except (DatabaseError, InterfaceError):
            if not left:
                raise
            time.sleep(0.5)


def executed() -> int:
    """Executions so far, 0 while the database cannot say."""
    close_old_connections()
    try:
        return Execution.objects.count()
    except (DatabaseError, InterfaceError):
        return 0


def waiting() -> int:
    """Events that wait, or are in hand; one while Redis cannot say."""
    try:
        return publishing.backlog().events
    except redis.RedisError:
        return 1
