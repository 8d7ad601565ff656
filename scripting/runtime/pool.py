"""This process's sandbox pool, made from the settings at first use and closed at exit."""

from __future__ import annotations

import atexit
import os
import threading
import time

from scripting.conf import conf
from scripting.sandbox.protocol import Inputs
from scripting.supervisor.pool import CheckReport, HostFunction, PoolConfig, SandboxPool
from scripting.types import Bundle, SecurityLimits

PASSED_SECONDS = 600.0
PASSED_KEPT = 512
"""A text is checked while it is written and again when it is published: for so long, and of so many, the first check counts."""

_lock = threading.Lock()
_pool: SandboxPool | None = None
_owner = 0
_passed: dict[tuple[str, SecurityLimits, tuple[HostFunction, ...], tuple[str, ...]], tuple[float, CheckReport]] = {}


def get_pool() -> SandboxPool:
    """The pool of this process; a forked child makes its own, since sandboxes belong to who started them."""
    global _pool, _owner
    if _pool is None or _owner != os.getpid():
        with _lock:
            if _pool is None or _owner != os.getpid():
                _pool = SandboxPool(
                    PoolConfig(
                        max_sandboxes=conf.SCRIPTING_SANDBOX_CAP,
                        runs_per_sandbox=conf.SCRIPTING_SANDBOX_RUNS,
                        process_per_run=conf.SCRIPTING_PROCESS_PER_RUN,
                        common_parent=conf.SCRIPTING_COMMON_PARENT,
                    )
                )
                _owner = os.getpid()
    return _pool


def check(
    bundle: Bundle,
    limits: SecurityLimits,
    functions: tuple[HostFunction, ...] = (),
    inputs: tuple[Inputs, ...] = (),
) -> CheckReport:
    """Compile without running; the very same that passed a while ago is not compiled again. Raises SupervisorError.

    What did not pass is always tried anew: the machine may have been at fault.
    """
    asked = (bundle.digest, limits, functions, tuple(one.label for one in inputs))
    with _lock:
        at, report = _passed.get(asked, (0.0, None))
    if report is not None and time.monotonic() - at < PASSED_SECONDS:
        return report
    report = get_pool().check(bundle, limits, functions, inputs)
    if report.ok:
        with _lock:
            _passed.pop(asked, None)
            _passed[asked] = time.monotonic(), report
            while len(_passed) > PASSED_KEPT:
                del _passed[next(iter(_passed))]
    return report


def vitals() -> dict[str, int]:
    """How the pool of this process fares, by the names of `processes.VITALS`; nothing before its first use."""
    if _pool is None or _owner != os.getpid():
        return {}
    stats = _pool.stats()
    busy = sum(sandbox.busy for sandbox in stats.sandboxes)
    found = {"sandboxes": len(stats.sandboxes), "busy": busy, "forks": stats.forks, "kills": stats.kills}
    return found | {"places": stats.places}


def close_pool() -> None:
    """Kill and reap every sandbox of this process; the next `get_pool` starts afresh."""
    global _pool
    with _lock:
        if _pool is not None and _owner == os.getpid():
            _pool.close()
        _pool = None
        _passed.clear()


atexit.register(close_pool)
