"""Running executions of every process, and cancelling from any of them: a board in Redis of executions that take long.

Each process posts its executions older than `LONG` seconds, and looks there for requests to cancel them. A run that is over
sooner never costs a round trip.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from typing import Any

import msgspec
import redis

from scripting import clock
from scripting.execution.admission import ExecutionContext, ExecutionContextManager
from scripting.processes.place import start_name
from scripting.storage.redis_client import key, redis_client

logger = logging.getLogger(__name__)

LONG = 0.25
"""Seconds after which an execution is posted, and between two looks at the board."""
KEEP = 3
"""Seconds that a post outlives its process."""
CANCEL_KEEP = 60
"""Seconds that a request to cancel waits for its execution to be posted."""


class RunningExecution(msgspec.Struct, frozen=True):
    """One line of the board. `started` is seconds since 1970; `process` is its name among the live ones."""

    id: str
    module: str
    script: str
    trigger: str
    user_id: str
    request_id: str
    started: float
    process: str


class Board:
    """This process's part of the board; `step` is one look, `start` a thread that takes one every LONG seconds."""

    def __init__(self, contexts: ExecutionContextManager) -> None:
        self._contexts = contexts
        self._posted = False
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._lock = threading.Lock()

    def start(self) -> None:
        """Idempotent, and again in a forked child."""
        if self._pid != os.getpid():
            with self._lock:
                if self._pid != os.getpid():
                    self._pid = os.getpid()
                    self._thread = threading.Thread(target=self._run, name="execution-board", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        wait = threading.Event()
        while not wait.wait(LONG):
            try:
                self.step()
            except redis.RedisError as error:
                logger.debug("board not updated: %s", error)

    def step(self) -> bool:
        """Post what takes long and cancel what was asked for; whether there was anything to do."""
        oldest = clock.seconds() - LONG
        long = [context for context in self._contexts.running() if context.started <= oldest]
        if not long and not self._posted:
            return False
        client = redis_client()
        if not long:
            client.delete(_post_key())
            self._posted = False
            return True
        client.set(_post_key(), msgspec.json.encode([_line(context) for context in long]), ex=KEEP)
        self._posted = True
        asked = client.mget([key("cancel", context.call.execution_id) for context in long])
        for context, flag in zip(long, asked, strict=True):
            if flag is not None:
                self._contexts.cancel(context.call.execution_id)
        return True


def running_everywhere() -> list[RunningExecution]:
    """Executions of every process that have run for LONG seconds or more, oldest first. Raises redis.RedisError."""
    client = redis_client()
    found: list[RunningExecution] = []
    names = list(client.scan_iter(key("running", "*")))
    for post in client.mget(names) if names else ():
        if post is not None:
            with contextlib.suppress(msgspec.DecodeError):
                found += msgspec.json.decode(post, type=list[RunningExecution])
    return sorted(found, key=lambda line: line.started)


def ask_to_cancel(execution_id: str) -> None:
    """Have whichever process runs it stop it, within two looks at the board. Raises redis.RedisError."""
    redis_client().set(key("cancel", execution_id), b"1", ex=CANCEL_KEEP)


def asked_to_cancel(execution_id: str) -> bool:
    """Whether somebody asked for it in the last minute. Raises redis.RedisError."""
    return bool(redis_client().exists(key("cancel", execution_id)))


def _post_key() -> str:
    return key("running", start_name())


def _line(context: ExecutionContext) -> dict[str, Any]:
    call = context.call
    return {
        "id": call.execution_id,
        "module": call.module,
        "script": call.script,
        "trigger": context.trigger,
        "user_id": call.user_id,
        "request_id": call.request_id,
        "started": context.started,
        "process": start_name(),
    }
