"""How much memory each process of a drill held at the most, and what it was doing when that was too much."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.workers.processes import OwnProcess
from tests.workers.stacks import STACKS_SIGNAL

MOST_MB = 600
"""A process holds 100 to 150 MB. What grows beyond this grows without a bound."""
LOOK_SECONDS = 1.0
STACKS = 3
"""How often a process that is too large is asked for its stacks: once tells where it is, several times where it stays."""
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


class Memory:
    """A context manager that looks at the processes, by name, each second: one that is killed takes its peak with it."""

    def __init__(self, running: Mapping[str, OwnProcess], most_mb: int = MOST_MB) -> None:
        self._running = running
        self._most_mb = most_mb
        self.peaks: dict[str, int] = {}
        """Name → the most MB that a process of that name held."""
        self._asked: dict[int, int] = {}
        """Process id → how often it was asked for its stacks."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    @property
    def too_large(self) -> dict[str, int]:
        return {name: peak for name, peak in self.peaks.items() if peak > self._most_mb}

    def look(self) -> None:
        """Note the peaks of now; a process over the bound writes its stacks into its log."""
        for name, process in list(self._running.items()):
            pid = process.process.pid
            peak = peak_mb(pid)
            self.peaks[name] = max(peak, self.peaks.get(name, 0))
            if peak > self._most_mb and self._asked.get(pid, 0) < STACKS and process.process.poll() is None:
                self._asked[pid] = self._asked.get(pid, 0) + 1
                os.kill(pid, STACKS_SIGNAL)

    def tell(self) -> None:
        """Print the stacks of those that were too large."""
        for name in self.too_large:
            print(f"--- {name}\n{_stacks_in(self._running[name].log)}", file=sys.stderr)

    def _run(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self.look()

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self.look()
        self.tell()


def peak_mb(pid: int) -> int:
    """The most memory that the process ever held, in MB; 0 of one that has ended, and where the system does not say."""
    try:
        found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) // 1024 if found else 0


def _stacks_in(log: Path) -> str:
    text = log.read_text(errors="replace")
    return text[max(0, text.find("Current thread")) :][:20_000]
