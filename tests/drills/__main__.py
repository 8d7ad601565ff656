"""`python -m tests.drills [NAME [SECONDS | short]]`: runs a drill, prints what it found, writes var/drills/NAME.json. Exit 1 for a broken promise.

Without a name it lists the drills. A drill ends by itself: when it has gone on for far longer than its time, it is broken.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime

from goby_site.paths import private_dir, var_dir
from tests.drills.catalogue import DRILLS, Drill, Result
from tests.support.processes import processes_of
from tests.support.stack import wait_until

GRACE_SECONDS = 600
"""For its start, for what is under way when its time is over, and for the recount."""
PR_SET_CHILD_SUBREAPER = 36


class OutOfTime(Exception):
    """A drill that did not end by itself."""


def main(arguments: list[str]) -> int:
    """0 when every promise is kept, 1 when not, 2 for an unknown name."""
    if not arguments:
        print(listing())
        return 0
    name = arguments[0]
    if name not in DRILLS:
        print(f"No such drill: {name}. There are: {', '.join(DRILLS)}", file=sys.stderr)
        return 2
    drill = DRILLS[name]
    asked = arguments[1] if len(arguments) > 1 else ""
    seconds = drill.short if asked == "short" else float(asked or drill.seconds)
    target = private_dir(var_dir() / "drills") / f"{name}.json"
    began, spent = time.monotonic(), sum(os.times()[:4])
    results = carry_out(name, drill, seconds)
    results.append(Result("seconds in all", round(time.monotonic() - began, 1)))
    results.append(Result("processor seconds in all", round(sum(os.times()[:4]) - spent, 1)))
    print(table(results))
    target.write_text(json.dumps(document(name, seconds, results), indent=2) + "\n", encoding="utf-8")
    print(f"\nWritten to {target}")
    return int(any(result.holds is False for result in results))


def carry_out(name: str, drill: Drill, seconds: float) -> list[Result]:
    """Run the drill: its findings; a drill that breaks down is a broken promise."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "goby_site.settings")
    # Orphans of killed processes become children of this one, so that none is overlooked.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    results = []
    try:
        with deadline(seconds + GRACE_SECONDS):
            for result in run(name, drill, seconds):
                print(line(result), file=sys.stderr, flush=True)
                results.append(result)
    except Exception as error:
        traceback.print_exc()
        results.append(Result("the drill came to its end", f"{type(error).__name__}: {error}", False))
    results.append(nothing_left())
    return results


def run(name: str, drill: Drill, seconds: float) -> Iterator[Result]:
    if not drill.on_site:
        yield from importlib.import_module(f"tests.drills.{name}").run(seconds)
        return
    from tests.drills.place import place

    with place(drill, small=drill.is_small_when_short and seconds <= drill.short) as here:
        yield Result("database", "PostgreSQL" if here.postgres else "SQLite")
        if drill.has_hosts and here.network is None and not here.is_small:
            yield Result("network", "left out: name spaces of network need root and the program `ip`")
        yield from importlib.import_module(f"tests.drills.{name}").run(here, seconds)


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raises OutOfTime in this thread when the block takes longer."""

    def ring(*_: object) -> None:
        raise OutOfTime(f"it did not end within {seconds:.0f} s")

    def ask(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    before = {signal.SIGALRM: signal.signal(signal.SIGALRM, ring), signal.SIGTERM: signal.signal(signal.SIGTERM, ask)}
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def nothing_left() -> Result:
    """Whether all processes that the drill started are gone."""
    found: dict[int, str] = {}

    def gone() -> bool:
        nonlocal found
        found = {pid: command for pid, command in processes_of(os.getpid()).items() if pid != os.getpid()}
        return not found

    with contextlib.suppress(TimeoutError):
        wait_until(gone, 15)
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return Result("processes left", "; ".join(found.values())[:500] or 0, not found)


def line(result: Result, width: int = 0) -> str:
    words = {True: "PASS", False: "FAIL", None: "    "}
    return f"{words[result.holds]}  {result.what:<{width}}  {result.value}"


def table(results: list[Result]) -> str:
    """A line for each promise, then for each figure."""
    width = max(len(result.what) for result in results)
    return "\n".join(line(row, width) for row in sorted(results, key=lambda result: result.holds is None))


def document(name: str, seconds: float, results: list[Result]) -> dict[str, object]:
    return {
        "drill": name,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": seconds,
        "holds": all(result.holds is not False for result in results),
        "results": [{"what": each.what, "value": each.value, "holds": each.holds} for each in results],
    }


def listing() -> str:
    """The drills with what each proves, takes and needs."""
    lines = ["make drill NAME=… [FOR=seconds, or FOR=short]"]
    for name, drill in DRILLS.items():
        takes = f"{drill.seconds / 60:.0f} min" if drill.seconds >= 120 else f"{drill.seconds:.0f} s"
        lines.append(f"  {name:<10} {drill.proves} ({takes}, short {drill.short:.0f} s; needs: {drill.needs})")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
