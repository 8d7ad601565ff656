"""The worker of evidence jobs: a process of its own, at a low priority, that never takes an event."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence

import redis
from rq.exceptions import InvalidJobOperation
from rq.job import Job
from rq.queue import Queue

from scripting.bus import evidence_jobs
from scripting.bus.evidence_jobs import Running
from scripting.conf import conf
from scripting.evidence import jobs, play_jobs
from scripting.processes.one_at_a_time import FromBeatToBeat
from scripting.storage import database
from scripting.storage.lua import Call
from scripting.workers.worker import ScriptWorker

logger = logging.getLogger(__name__)

NICE = 10
"""Whatever runs for the game goes first."""


class EvidenceWorker(ScriptWorker):
    """Takes evidence jobs, one after the other. A job whose worker died is begun anew by the next that lives."""

    kind = evidence_jobs.KIND

    def __init__(self, name: str = "", looks: Sequence[Callable[[], object]] = ()) -> None:
        """`looks` are made each second, by one of these workers for all: each enqueues its job when it is due. They raise redis.RedisError alone."""
        self._looks = looks
        self._job_id = ""
        super().__init__(name, evidence_jobs.evidence_queue())
        self._right = FromBeatToBeat(self.liveness.name, "sweep", "evidence")
        self._held_jobs = 0
        self._looked_at = float("-inf")

    def begin(self) -> None:
        os.nice(max(0, NICE - os.nice(0)))
        evidence_jobs.running = Running(self.liveness.stopping.is_set, self.liveness.busy)

    def end(self) -> None:
        evidence_jobs.running = Running()

    def work_in_full(self) -> bool:
        """Evidence waits until there is room: it fills Redis, and what the game needs goes first."""
        return False

    def beat(self, calls: Sequence[Call]) -> None:
        answers = self.listener.member.beat([*calls, self._right.asking(), evidence_jobs.counting()])
        self._right.heard(answers[-2])
        self._held_jobs = int(answers[-1])
        if job_id := self._job_id:
            evidence_jobs.renew(job_id)

    def sweep(self) -> None:
        looks = self._right.held and time.monotonic() - self._looked_at >= conf.SCRIPTING_POLL_SECONDS
        self._alerts.told(looks)  # where no worker of events lives, nobody else sends
        if not self._right.held:
            return
        if self._held_jobs:
            evidence_jobs.begin_orphans_anew()
        self._sweep.watch_for_alerts()  # that no worker of events lives, one of them could not tell
        for look in self._looks:
            look()
        if looks:
            self._looked_at = time.monotonic()
            jobs.look_for_lost()
            play_jobs.look_for_lost()

    def release(self) -> None:
        self._right.release()

    def execute_job(self, job: Job, queue: Queue) -> None:
        database.close_dead_connections()
        evidence_jobs.take(job)
        self._job_id = job.id
        try:
            super().execute_job(job, queue)
        finally:
            self._job_id = ""
            try:
                evidence_jobs.leave(job.id)
            except redis.RedisError as error:
                logger.warning("job %s is not known to have ended: %s", job.id, error)
        self._after(job)

    def _after(self, job: Job) -> None:
        if evidence_jobs.running.again:
            evidence_jobs.running.again = False
            assert job.func_name is not None
            evidence_jobs.enqueue(job.func_name, *job.args, job_id=job.id, **job.meta)
            return
        try:
            failed = job.is_failed
        except InvalidJobOperation:
            return  # another worker took this one for dead, and begins the job anew
        if failed:
            result = job.latest_result()
            error = ((result.exc_string if result else "") or "").strip().rpartition("\n")[2]
            evidence_jobs.tell_failed(job.meta["failed"], list(job.args), error or "it failed")
