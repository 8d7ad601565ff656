"""The RQ worker that keeps sandboxes warm: it runs jobs in its own process, outlives Redis and the database, and ends warmly."""

from __future__ import annotations

import logging
import os
import random
import signal
import socket
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any

import redis
from django.db import DatabaseError, InterfaceError, router
from rq import Queue
from rq.exceptions import DequeueTimeout
from rq.job import Job
from rq.timeouts import BaseDeathPenalty
from rq.worker import SimpleWorker, WorkerStatus

from scripting.alerts.sending import Sender
from scripting.bus import drain_queue, lease, samples, streams
from scripting.conf import conf
from scripting.hot_reload.listener import Listener
from scripting.models import Execution
from scripting.processes import systemd
from scripting.runtime.pool import close_pool
from scripting.storage import database, redis_errors
from scripting.storage.checkpoints import Checkpoints
from scripting.storage.full_redis import OutOfMemoryError, outage
from scripting.storage.lua import Call
from scripting.storage.redis_client import SECONDS, connect
from scripting.workers import drain_job
from scripting.workers.heartbeat import Liveness
from scripting.workers.sweep import Sweep

logger = logging.getLogger(__name__)

WAIT_SECONDS = 1
"""How long one look into the queue blocks, and so how late an idle worker notices that it is to end."""
IDLE_SECONDS = 10.0
"""After so long without a job the main thread's connection to the database is for others to have."""
FULL_SECONDS = 0.1
"""Between two looks at a full Redis."""
MAX_BACKOFF_SECONDS = 0.25
"""Between two attempts to reach a Redis that was lost: a refused connection costs next to nothing."""
RQ_BEAT_SECONDS = 10.0
"""How often an idle worker tells RQ, whose dashboard alone reads it, that it lives."""
RQ_TTL_SECONDS = 60
"""After this without a word RQ's dashboard no longer lists a worker."""


class NoAlarm(BaseDeathPenalty):
    """In place of RQ's SIGALRM, whose exception could land in the middle of an exchange with a sandbox or of a commit.

    A drain ends itself in time, each run has its own deadline, and a worker that is stuck all the same ends itself.
    """

    def setup_death_penalty(self) -> None:
        pass

    def cancel_death_penalty(self) -> None:
        pass


class ScriptWorker(SimpleWorker):
    """Takes drain jobs from RQ's queue, one after the other, in this process. `work` never ends before it is asked to."""

    death_penalty_class = NoAlarm
    kind = "worker"
    """The kind of this process among the live ones; workers of one kind are listed together."""

    def __init__(self, name: str = "", queue: Queue | None = None) -> None:
        self.listener = Listener(self.kind, heartbeat=False)
        self.liveness = Liveness(name, self.kind, exchange=self.beat, each_second=self._each_second)
        self._sweep = Sweep(self.liveness.name, self.liveness.stopping.is_set, self.liveness.gaps.wait)
        self._alerts = Sender()
        self._checkpoints = Checkpoints(router.db_for_write(Execution))
        connection = connect(conf.SCRIPTING_REDIS_URL, conf.SCRIPTING_REDIS_SENTINELS, socket_connect_timeout=2)
        super().__init__(
            [queue or drain_queue.drain_queue()],
            name=self.liveness.name,
            connection=connection,
            worker_ttl=RQ_TTL_SECONDS,
            log_job_description=False,
            serializer="rq.serializers.JSONSerializer",
            prepare_for_work=False,  # that would need Redis, which may be unavailable
        )
        self.hostname, self.pid, self.ip_address = socket.gethostname(), os.getpid(), ""

    @property
    def connection_timeout(self) -> int:
        """Seconds that RQ waits for an answer. Its own 55, several times over, are longer than a worker may be at one thing before it ends itself."""
        return int(SECONDS)

    # -- the loop ------------------------------------------------------------------------------------------------------

    def work(self, burst: bool = False, **_options: Any) -> bool:  # type: ignore[override] # RQ's other options mean nothing here
        """Run jobs until asked to end by SIGTERM or SIGINT; `burst` ends when no job waits. True if any job was run."""
        self._install_signal_handlers()  # type: ignore[no-untyped-call]
        self.begin()
        self.listener.start()
        self._alerts.start()
        self._checkpoints.start()
        worked = False
        backoff = 0.05
        registered = waits = False
        systemd.ready(f"{self.kind} {self.name}")
        try:
            while not self.liveness.stopping.is_set():
                try:
                    if not registered:
                        systemd.alive()  # from then on the heartbeat gives the signs of life
                        self._register()
                        registered, waits = True, False
                    found = self.work_once(None if burst else WAIT_SECONDS)
                except OutOfMemoryError as error:
                    outage.note(error)
                    worked = self.work_in_full() or worked
                    self.liveness.stopping.wait(FULL_SECONDS)
                    continue
                except redis.RedisError as error:
                    if not redis_errors.is_unavailable(error):
                        raise
                    if not waits:
                        logger.warning("worker %s waits for Redis: %s", self.name, redis_errors.told(error))
                    waits = True
                    registered = False  # a Redis that comes back may have come back empty
                    self.liveness.stopping.wait(backoff * random.uniform(0.5, 1))
                    backoff = min(2 * backoff, MAX_BACKOFF_SECONDS)
                    continue
                backoff = 0.05
                registered = not self.liveness.was_cut_off
                outage.over()
                worked = worked or found
                if burst and not found:
                    break
        finally:
            self._leave()
        return worked

    def work_once(self, timeout: int | None) -> bool:
        """Wait `timeout` seconds for a job (None: do not wait) and run it; whether there was one. Raises redis.RedisError."""
        if self.should_run_maintenance_tasks:
            self.run_maintenance_tasks()  # type: ignore[no-untyped-call]
        try:
            found = self.queue_class.dequeue_any(
                self.queues,
                timeout,
                connection=self.connection,
                job_class=self.job_class,
                serializer=self.serializer,
                death_penalty_class=self.death_penalty_class,
            )
        except DequeueTimeout:
            found = None
        if found is None:
            self._tell_rq()
            if time.monotonic() - self._worked_at > IDLE_SECONDS:
                drain_job.close_idle_connections()
            return False
        self._worked_at = time.monotonic()
        job, queue = found
        job.redis_server_version = self.get_redis_server_version()  # type: ignore[no-untyped-call]
        self.execute_job(job, queue)
        return True

    def _tell_rq(self) -> None:
        if time.monotonic() - self._told_rq_at >= RQ_BEAT_SECONDS:
            self._told_rq_at = time.monotonic()
            self.heartbeat()

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Raises redis.RedisError; every other failure of the job is RQ's to record."""
        self.liveness.busy()
        self.liveness.gaps.works()
        try:
            super().execute_job(job, queue)
        finally:
            self.liveness.gaps.rests()
            self.liveness.idle()

    def work_in_full(self) -> bool:
        """Drain what waits without RQ, which can keep no job in a full Redis. True if there was anything. Raises nothing of Redis."""
        found = False
        try:
            for condition in streams.conditions():
                if condition.length and not condition.leased and not self.liveness.stopping.is_set():
                    self.liveness.busy()
                    database.close_dead_connections()
                    found = True
                    drain_job.drain_once(condition.stream)
        except redis.RedisError as error:
            outage.note(error)
        finally:
            self.liveness.idle()
        return found

    def begin(self) -> None:
        """Before the first job: what jobs of this process are to know of it."""
        drain_job.worker = self.liveness

    def end(self) -> None:
        """After the last one."""
        drain_job.worker = None

    def beat(self, calls: Sequence[Call]) -> None:
        """The heartbeat, with all that this process asks of Redis each second, in one exchange. Raises redis.RedisError."""
        asked = self._sweep.asking()
        answers = self.listener.member.beat([*calls, *asked])
        self._sweep.heard(answers[len(calls) :])

    def sweep(self) -> None:
        """Each second, on the heartbeat's thread. Raises redis.RedisError and database errors."""
        self._sweep.once_if_due()
        self._alerts.told(self._sweep.sends)

    def after_absence(self) -> None:
        """At the start, and when Redis is back: nothing is in hand. Raises redis.RedisError."""
        self.liveness.was_cut_off = False
        lease.give_back()
        self._sweep.after_absence(self.name)

    def release(self) -> None:
        """Let another process do at once what this one did for all. Raises redis.RedisError."""
        self._sweep.release()

    def _register(self) -> None:
        self.liveness.beat()
        self.liveness.start()  # before RQ's own, for which a full Redis has no room
        self.connection.delete(self.key)
        self.register_birth()  # type: ignore[no-untyped-call]
        self.set_state(WorkerStatus.IDLE)
        self.after_absence()
        logger.info("worker %s takes jobs", self.name)

    def _each_second(self) -> None:
        """On the heartbeat's thread."""
        samples.flush()
        try:
            self.sweep()
            database.outage.over()
        except (DatabaseError, InterfaceError) as error:
            if not drain_job.is_away(error):
                logger.warning("sweep not finished: %s", error)
            database.close_dead_connections()

    # -- ending --------------------------------------------------------------------------------------------------------

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Ask for a warm end: the exchange in hand is finished and committed, the rest stays in its stream.

        Only sets a flag: nothing is raised into what the main thread does. A second signal, a second later, ends cold.
        """
        if self.liveness.stopping.is_set() and time.monotonic() - self._asked > 1:
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)
        elif not self.liveness.stopping.is_set():
            self._asked = time.monotonic()
            self.liveness.stopping.set()

    _asked = 0.0
    _worked_at = 0.0
    _told_rq_at = float("-inf")

    def _leave(self) -> None:
        """Redis may be away, or the worker would never have got as far as telling it anything."""
        self._checkpoints.stop()
        systemd.stopping()
        self.liveness.end()
        self._alerts.end()
        self.listener.stop()
        try:
            self.release()
            self.register_death()  # type: ignore[no-untyped-call]
        except redis.RedisError as error:
            logger.debug("RQ not told of the end of %s: %s", self.name, error)
        self.end()
        close_pool()
        logger.info("worker %s has ended", self.name)
