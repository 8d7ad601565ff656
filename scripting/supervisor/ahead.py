"""Send a sandbox several runs at once: it goes from one to the next without waiting for us.

Most of what a short run costs is that two processes wake each other. Only runs of a script that calls no function of its module
are sent ahead, since a call waits for an answer; the limit of each counts from the answer to the one before it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice

from msgspec.structs import replace

from scripting.sandbox.protocol import Done, RemoteProtocolError, Run, State, ValueProblem
from scripting.supervisor.channel import READ_BYTES, DeadlinePassed, PeerGone
from scripting.supervisor.errors import SandboxLost
from scripting.supervisor.interface import Cancellation, RunOutcome, RunRequest
from scripting.supervisor.sandbox import NotStarted, Sandbox

MOST = 16
"""Runs that are sent at once."""
SECONDS = 0.004
"""Processor time that they may be expected to take together: meanwhile nothing else is seen to."""
SLOW_US = 10_000
"""A script whose last run took longer, by the clock, may wait for something: its next one goes alone."""
PATIENCE_SECONDS = 0.5
"""Where they take longer after all, those that are left run one by one."""
MOST_BYTES = READ_BYTES // 2
"""Of all together: they fit into the socket, so that sending them never waits."""


class Called(Exception):
    """A run called a function of its module: its answer would stand behind the runs that were sent ahead."""


def most_ahead(sandbox: Sandbox) -> int:
    """How many runs may be sent to the sandbox at once, by what its runs have taken."""
    shelf, runs = sandbox.shelf, sandbox.runs
    if not runs or shelf is None or shelf.calls or sandbox.last_us > SLOW_US:
        return 0
    each_us = max(sandbox.cpu_us // runs, 1)  # by the clock a busy host makes short runs long
    return min(MOST, int(SECONDS * 1_000_000) // each_us, sandbox.most_runs - runs)


def fitting(sandbox: Sandbox, requests: Sequence[RunRequest]) -> Sequence[RunRequest]:
    """Those of the runs that may be sent ahead: the first ones, two at least, or none."""
    left, count = MOST_BYTES, 0
    for request in requests[: most_ahead(sandbox)]:
        left -= len(request.inputs) + 64
        if left < 0 or request.traces:
            break
        count += 1
    return requests[:count] if count > 1 else ()


def run_ahead(
    sandbox: Sandbox, requests: Sequence[RunRequest], cancellations: Iterable[Cancellation]
) -> list[RunOutcome]:
    """Outcomes of the first of the runs, in their order. Nothing has come of those left out: run them one by one."""
    began = time.monotonic()
    outcomes: list[RunOutcome] = []
    row = _Row(sandbox, began)
    sandbox.calls, sandbox.host_seconds = 0, 0.0
    try:
        row.send(requests)
        for cancellation in islice(cancellations, len(requests)):
            if not cancellation.watch(sandbox.stop):
                break
            try:
                outcome = row.outcome()
            finally:
                cancellation.release()
            if cancellation.cancelled:
                if outcome.error is not None:
                    outcome = replace(outcome, error=None, cancelled=True)
                outcomes.append(outcome)
                break
            outcomes.append(outcome)
            if not sandbox.alive or time.monotonic() - began > PATIENCE_SECONDS:
                break
    except (NotStarted, SandboxLost, Called):
        pass
    except BaseException:
        sandbox.end()
        raise
    if row.has_called and sandbox.shelf is not None:
        sandbox.shelf.calls = True
    if len(outcomes) < len(requests) or row.has_more:
        sandbox.spent = True  # it goes on with a run that is not waited for
    return outcomes


class _Row:
    """The runs that one sandbox has been sent, and its answers as far as they are here."""

    def __init__(self, sandbox: Sandbox, began: float) -> None:
        self._sandbox = sandbox
        self._answered = began
        """When the last answers came: the next run began then."""
        self._begun = b""
        self._answers: deque[tuple[Done, float, int]] = deque()
        """With the beginning of the run and the µs that it took."""
        self._last: Called | RemoteProtocolError | None = None
        """Why no answer comes after these."""

    def send(self, requests: Iterable[RunRequest]) -> None:
        connection, frames = self._sandbox.connection, []
        for request in requests:
            connection.state = State.LOADED
            frames.append(connection.send(Run(request.inputs, request.seed, request.clock_us)))
        try:
            self._sandbox.channel.send(b"".join(frames), self._answered + self._sandbox.limit)
        except (PeerGone, DeadlinePassed):
            raise NotStarted from None

    @property
    def has_called(self) -> bool:
        """Whether a run called a function of its module."""
        return isinstance(self._last, Called)

    @property
    def has_more(self) -> bool:
        """Whether there is an answer that nobody asked for."""
        return bool(self._begun or self._answers)

    def outcome(self) -> RunOutcome:
        """The outcome of the next run. Raises NotStarted, SandboxLost, Called."""
        sandbox = self._sandbox
        started = self._answered
        try:
            if not self._answers:
                if self._last is not None:
                    raise self._last
                self._receive()
            done, started, wall_us = self._answers.popleft()
            outcome = sandbox.outcome_of(done, started, wall_us)
        except (DeadlinePassed, PeerGone, RemoteProtocolError, ValueProblem) as answer:
            return sandbox.outcome_without(answer, started)
        sandbox.count(outcome)
        return outcome

    def _receive(self) -> None:
        """Take what answers there are. Where there are several, each run took its processor time and a share of the rest."""
        sandbox, before = self._sandbox, self._answered
        bodies, self._begun = sandbox.channel.receive_all(
            self._begun, sandbox.limit, before + sandbox.limit, sandbox.call_cap
        )
        self._answered = time.monotonic()
        answers = []
        for body in bodies:
            sandbox.connection.state = State.RUNNING
            try:
                message = sandbox.connection.receive(body)
            except RemoteProtocolError as error:
                self._last = error
                break
            if type(message) is not Done:
                self._last = Called()
                break
            answers.append(message)
        if not answers and self._last is not None:
            raise self._last
        whole_us = int((self._answered - before) * 1_000_000)
        used = [min(max(done.cpu_us, 0), whole_us) for done in answers]
        rest = max(0, whole_us - sum(used)) // len(answers)
        at = before
        for done, cpu_us in zip(answers, used, strict=True):
            self._answers.append((done, at, cpu_us + rest))
            at += (cpu_us + rest) / 1_000_000
