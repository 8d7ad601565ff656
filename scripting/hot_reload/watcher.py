"""Override files taken as they change: a loop of steps over the scripts folder, active in one process per database."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.db import DatabaseError, InterfaceError, close_old_connections
from watchfiles import watch

from scripting.hot_reload.watcher_lock import STANDBY_SECONDS, WatcherLock
from scripting.sources.folder import (
    HOLD,
    BeingWritten,
    FolderRefused,
    Found,
    Remark,
    Scan,
    is_held,
    is_noise,
    open_folder,
    scan,
    scripts_dir,
)
from scripting.sources.steps import Step
from scripting.sources.sync import ABSENCE_SECONDS, reconcile_files, report_remark, scripts_with_file
from scripting.supervisor.errors import SupervisorError

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5
"""How often the folder is read though the system told of no change: some file systems never tell."""
DEBOUNCE_MS = 200
QUIET_MS = 20
"""A change is taken once nothing more has changed for this long, or after DEBOUNCE_MS."""
WAKE_MS = 250
WRITING_SECONDS = 5
"""A file that is being written for longer than this is spoken of, and looked at every LOOK_SECONDS."""
WRITER_LOOK_SECONDS = 0.1
"""How often at the least before that."""


@dataclass
class Watcher:
    """A watcher's memory between looks: the files as last taken, and since when each missing one is missing."""

    root: Path = field(default_factory=scripts_dir)
    clock: Callable[[], float] = time.monotonic
    may_go_on: Callable[[], bool] = lambda: True
    """Asked before each group of files: whether this still is the watcher. What is left then is its successor's."""
    seen: dict[tuple[str, str], Found] = field(default_factory=dict)
    missing: dict[tuple[str, str], float] = field(default_factory=dict)
    remarks: set[Remark] = field(default_factory=set)
    written: dict[tuple[str, str], float] = field(default_factory=dict)
    """Since when a program was seen to have which file open for writing."""
    _looked: float = float("-inf")
    _started: bool = False

    def look(self) -> list[Step]:
        """Read the folder and take every file that differs from the last look. The first look reconciles everything."""
        now = self._looked = self.clock()
        if is_held(self.root, time.time()):
            return []
        found = scan(self.root)
        ready = self._ready(found, now)
        changed = {name: file for name, file in ready.items() if self.seen.get(name) != file}
        for name in found.files:
            self.missing.pop(name, None)
        steps = reconcile_files(changed, ready, self.may_go_on)
        if not self.may_go_on():
            return [step for step in steps if step.is_news]
        self.seen |= changed
        for name in self._expected() - found.files.keys():
            self.missing.setdefault(name, now)
        steps += [report_remark(remark) for remark in found.remarks if remark not in self.remarks]
        self.remarks = set(found.remarks)
        return [step for step in steps if step.is_news]

    def _ready(self, found: Scan, now: float) -> dict[tuple[str, str], Found]:
        """The files that can be taken: one that is being written is looked at again soon, and said only if it goes on for long."""
        written = {name for name, file in found.files.items() if isinstance(file, BeingWritten)}
        self.written = {name: self.written.get(name, now) for name in written}
        late = {name for name, since in self.written.items() if now - since >= WRITING_SECONDS}
        return {name: file for name, file in found.files.items() if name not in written - late}

    @property
    def is_waiting(self) -> bool:
        """Whether a program is about to end the writing of a file."""
        now = self.clock()
        return any(now - since < WRITING_SECONDS for since in self.written.values())

    def _expected(self) -> set[tuple[str, str]]:
        if self._started:
            return set(self.seen)
        self._started = True
        return {(script.module, script.name) for script in scripts_with_file()}

    def count_absences(self) -> list[Step]:
        """Take as deleted what has been missing for ABSENCE_SECONDS."""
        now = self.clock()
        if is_held(self.root, time.time()):
            return []
        due = [name for name, since in self.missing.items() if now - since >= ABSENCE_SECONDS]
        if not due:
            return []
        there = scan(self.root).files  # once more: the news that it is back may still be under way
        for name in due:
            del self.missing[name]
        gone = [name for name in due if name not in there]
        for name in gone:
            self.seen.pop(name, None)
        return [step for step in reconcile_files(dict.fromkeys(gone), {}, self.may_go_on) if step.is_news]

    def is_due(self) -> bool:
        return self.clock() - self._looked >= LOOK_SECONDS

    def forget(self) -> None:
        """Begin again with a full look, as after a failure of ours."""
        self.seen.clear()
        self.missing.clear()
        self.written.clear()
        self.remarks.clear()
        self._started = False
        self._looked = float("-inf")


def run(stop: threading.Event, report: Callable[[Step], None], root: Path | None = None) -> None:
    """Watch until `stop` is set. Raises FolderRefused when the folder cannot be watched at all."""
    folder = root or scripts_dir()
    lock = WatcherLock()
    watcher = Watcher(folder, may_go_on=lambda: lock.step() and not stop.is_set())
    try:
        while not stop.is_set():
            if not lock.step():
                watcher.forget()
                stop.wait(STANDBY_SECONDS)
                continue
            with open_folder(folder, make=True):
                pass
            _watch(lock, watcher, stop, report)
    finally:
        lock.release()


def _watch(lock: WatcherLock, watcher: Watcher, stop: threading.Event, report: Callable[[Step], None]) -> None:
    """The active watcher's loop: until it is to stop, has lost the lock, or the folder itself went away."""

    def of_interest(_change: object, path: str) -> bool:
        parts = Path(path).relative_to(watcher.root).parts
        return len(parts) <= 2 and (parts == (HOLD,) or not any(map(is_noise, parts)))

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
    try:
        steps = watcher.look() if changed or watcher.is_due() else []
        steps += watcher.count_absences()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("the database is unavailable, looking again: %s", error)
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
    for step in steps:
        report(step)
    return watcher.root.is_dir()
