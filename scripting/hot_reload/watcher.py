"""Override files taken as they change: a loop of steps over the scripts folder, active in one process per folder."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.db import DatabaseError, InterfaceError, close_old_connections
from watchfiles import watch

from scripting.hot_reload.memory import Memory
from scripting.processes import systemd
from scripting.processes.one_at_a_time import STANDBY_SECONDS, OneAtATime
from scripting.runtime.pool import get_pool
from scripting.sources.case_folder import CaseFound, CaseKey, CaseScan, scan_cases
from scripting.sources.case_sync import cases_expected, miss_cases, take_cases
from scripting.sources.folder import (
    CASES,
    HOLD,
    FolderRefused,
    Found,
    Remark,
    is_held,
    is_noise,
    open_folder,
    scan,
    scripts_dir,
)
from scripting.sources.identity import identity_of, number_of
from scripting.sources.steps import Step
from scripting.sources.sync import ABSENCE_SECONDS, reconcile_files, report_remark, scripts_expected
from scripting.storage import database
from scripting.supervisor.errors import SupervisorError

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5
"""How often the folder is read though the system told of no change: some file systems never tell."""
DEBOUNCE_MS = 200
QUIET_MS = 10
"""A change is taken once nothing more has changed for this long, or after DEBOUNCE_MS."""
WAKE_MS = 250
WRITER_LOOK_SECONDS = 0.1
"""How often at the least a file is looked at that is being written, before it is spoken of."""


@dataclass
class Watcher:
    """A watcher between looks. Scripts are taken before cases, which need them."""

    root: Path = field(default_factory=scripts_dir)
    clock: Callable[[], float] = time.monotonic
    may_go_on: Callable[[], bool] = lambda: True
    """Asked before each group of files: whether this still is the watcher. What is left then is its successor's."""
    scripts: Memory[tuple[str, str], Found] = field(init=False)
    cases: Memory[CaseKey, CaseFound] = field(init=False)
    waiting: dict[str, Step] = field(default_factory=dict)
    """Cases whose script is not there yet, by label: they are looked at again each time."""
    remarks: set[Remark] = field(default_factory=set)
    name: str = ""
    """Of the folder, see `identity`."""
    _number: int = 0
    _looked: float = float("-inf")

    def __post_init__(self) -> None:
        self.scripts = Memory(lambda: scripts_expected(self.name))
        self.cases = Memory(lambda: cases_expected(self.name))

    def find_name(self) -> str:
        """The folder's name now. One that is gone keeps the name it had: what was in it is gone too."""
        number = number_of(self.root)
        is_new, self._number = number != self._number, number
        name = identity_of(self.root) if is_new else identity_of(self.root, known=self.name, write=False)
        if self.name and name and name != self.name:
            logger.warning("%s is another folder than before: what that one held is not missed in it", self.root)
            self.forget()
        self.name = name or self.name
        return self.name

    def make_folder(self) -> str:
        """Make the folder where it is missing; one that is made again is the same. Raises FolderRefused."""
        if not self.root.is_dir():
            with open_folder(self.root, make=True):
                pass
            identity_of(self.root, known=self.name)
        return self.find_name()

    def look(self) -> list[Step]:
        """Read the folder and take every file that differs from the last look. The first look reconciles everything."""
        now = self._looked = self.clock()
        if is_held(self.root, time.time()):
            return []
        self.find_name()
        found, cases = scan(self.root), scan_cases(self.root)
        ready = self.scripts.ready(found.files, now)
        changed = self.scripts.changed(ready)
        steps = reconcile_files(changed, ready, self.may_go_on, folder=self.name)
        if not self.may_go_on():
            return [step for step in steps if step.is_news]
        self.scripts.took(changed, found, now)
        steps += self._take_cases(cases, now)
        remarks = (*found.remarks, *cases.remarks)
        steps += [report_remark(remark) for remark in remarks if remark not in self.remarks]
        self.remarks = set(remarks)
        return [step for step in steps if step.is_news]

    def _take_cases(self, cases: CaseScan, now: float) -> list[Step]:
        changed = self.cases.changed(self.cases.ready(cases.files, now))
        steps = take_cases(changed, self.name)
        before, self.waiting = self.waiting, {step.script: step for step in steps if step.outcome == "ignored"}
        taken = {key: file for key, file in changed.items() if "/".join(key) not in self.waiting}
        self.cases.took(taken, cases, now)
        return [step for step in steps if before.get(step.script) != step]

    @property
    def is_waiting(self) -> bool:
        """Whether a program is about to end the writing of a file."""
        now = self.clock()
        return self.scripts.is_waiting(now) or self.cases.is_waiting(now)

    def count_absences(self) -> list[Step]:
        """Take as deleted what has been missing for ABSENCE_SECONDS."""
        now, name = self.clock(), self.name
        scripts, cases = self.scripts.due(now, ABSENCE_SECONDS), self.cases.due(now, ABSENCE_SECONDS)
        if not scripts and not cases and number_of(self.root) == self._number:
            return []  # as four times a second while nothing happens: one question to the system
        if is_held(self.root, time.time()) or (name and self.find_name() != name):
            return []
        steps: list[Step] = []
        # Read once more: the news that it is back may still be under way.
        if scripts:
            gone = self.scripts.gone(scripts, scan(self.root))
            steps += reconcile_files(dict.fromkeys(gone), {}, self.may_go_on, folder=self.name)
        if cases:
            steps += miss_cases(self.cases.gone(cases, scan_cases(self.root)), self.name)
        return [step for step in steps if step.is_news]

    def is_due(self) -> bool:
        return self.clock() - self._looked >= LOOK_SECONDS

    def forget(self) -> None:
        """Begin again with a full look, as after a failure of ours."""
        self.scripts.forget()
        self.cases.forget()
        self.waiting.clear()
        self.remarks.clear()
        self._looked = float("-inf")


def run(stop: threading.Event, report: Callable[[Step], None], root: Path | None = None) -> None:
    """Watch until `stop` is set. Raises FolderRefused when the folder cannot be watched at all."""
    folder = root or scripts_dir()
    watcher = Watcher(folder)
    lock = OneAtATime("watcher", watcher.make_folder())
    watcher.may_go_on = lambda: lock.step() and not stop.is_set()
    try:
        while not stop.is_set():
            systemd.alive()
            if not lock.step():
                watcher.forget()
                stop.wait(STANDBY_SECONDS)
                continue
            if ("watcher", watcher.make_folder()) != lock.name:  # another one in its place
                lock.release()
                lock.name = ("watcher", watcher.name)
                continue
            _watch(lock, watcher, stop, report)
    finally:
        lock.release()


def _watch(lock: OneAtATime, watcher: Watcher, stop: threading.Event, report: Callable[[Step], None]) -> None:
    """The active watcher's loop: until it is to stop, has lost the lock, or the folder itself went away."""

    def of_interest(_change: object, path: str) -> bool:
        parts = Path(path).relative_to(watcher.root).parts
        depth = 4 if parts[1:2] == (CASES,) else 2
        return len(parts) <= depth and (parts == (HOLD,) or not any(map(is_noise, parts)))

    with contextlib.suppress(SupervisorError):  # a check says what is wrong
        get_pool().prepare()
    _step(watcher, report, changed=True)  # start-up reconciliation; the system's news queue up from here
    news = watch(
        watcher.root,
        watch_filter=of_interest,
        stop_event=stop,
        rust_timeout=WAKE_MS,
        yield_on_timeout=True,
        debounce=DEBOUNCE_MS,
        step=QUIET_MS,
        raise_interrupt=False,
    )
    try:
        for first, changes in enumerate(news):
            systemd.alive()
            # What changed between the reconciliation and the first wake-up told nobody.
            if not _step(watcher, report, changed=bool(changes) or first == 0) or not lock.step():
                return
            pause = QUIET_MS / 1000
            while watcher.is_waiting and not stop.wait(pause):  # nothing tells that a file was closed
                if not _step(watcher, report, changed=True) or not lock.step():
                    return
                pause = min(2 * pause, WRITER_LOOK_SECONDS)
    except FileNotFoundError:
        logger.warning("%s is gone; it is made again", watcher.root)


def _step(watcher: Watcher, report: Callable[[Step], None], *, changed: bool) -> bool:
    """One wake-up. False when the folder must be watched anew."""
    close_old_connections()
    looks = changed or watcher.is_due()
    try:
        steps = watcher.look() if looks else []
        steps += watcher.count_absences()
    except (DatabaseError, InterfaceError) as error:
        if database.is_unavailable(error):
            database.outage.note_here(error)  # met several times a second
        else:
            logger.warning("the folder is looked at again: %s", error)
        watcher.forget()
        return True
    except FolderRefused as error:
        logger.error("%s", error)  # noqa: TRY400 - the operator's to mend, a traceback would not help
        watcher.forget()
        return True
    except SupervisorError as error:
        logger.error("scripts cannot be checked, looking again: %s", error)  # noqa: TRY400 - its message says what to do
        watcher.forget()
        return True
    if looks:
        database.outage.over()
    for step in steps:
        report(step)
    return watcher.root.is_dir()
