"""This process's sandbox pool, made from the settings at first use and closed at exit."""

from __future__ import annotations

import atexit
import os
import threading

from scripting.conf import conf
from scripting.supervisor.pool import PoolConfig, SandboxPool

_lock = threading.Lock()
_pool: SandboxPool | None = None
_owner = 0


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
                    )
                )
                _owner = os.getpid()
    return _pool


def vitals() -> dict[str, int]:
    """How the pool of this process fares, by the names of `processes.VITALS`; nothing before its first use."""
    if _pool is None or _owner != os.getpid():
        return {}
    stats = _pool.stats()
    busy = sum(sandbox.busy for sandbox in stats.sandboxes)
    return {"sandboxes": len(stats.sandboxes), "busy": busy, "forks": stats.forks, "kills": stats.kills}


def close_pool() -> None:
    """Kill and reap every sandbox of this process; the next `get_pool` starts afresh."""
    global _pool
    with _lock:
        if _pool is not None and _owner == os.getpid():
            _pool.close()
        _pool = None


atexit.register(close_pool)
