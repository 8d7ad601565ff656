"""A sandbox that has been taken over speaks any bytes: the real exchange ends it, in time, and believes nothing out of bounds."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import msgspec
import pytest

from scripting.sandbox.protocol import Call, Compiled, Done, ErrorType, Fault, Loaded, Ready, Trace, encode_value
from scripting.supervisor import sandbox as supervised
from scripting.supervisor.errors import SandboxUnavailable
from scripting.supervisor.fork_server import ExitStatus, Handle, ParentClient
from scripting.supervisor.interface import HostFunction, RunOutcome, RunRequest
from scripting.supervisor.loading import load_message
from scripting.supervisor.sandbox import NotStarted, Sandbox
from scripting.types import SecurityLimits
from tests.support.sandboxes import bundle_of

LIMITS = SecurityLimits(max_execution_time=60)
"""However busy the machine, what is said in time is not taken for late."""
SHORT = SecurityLimits(max_execution_time=0.3)
Behaviour = Callable[[socket.socket], None]


def frame(message: object) -> bytes:
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(4, "big") + body


def read_frame(end: socket.socket) -> bytes:
    length = int.from_bytes(end.recv(4, socket.MSG_WAITALL), "big")
    return end.recv(length, socket.MSG_WAITALL)


class OnlyReaps(ParentClient):
    """There is no process to reap: the hostile end is a thread of the test. Says that it was killed by us."""

    ended = ExitStatus(0)

    def reap(self, pid: int) -> ExitStatus:
        return self.ended


@pytest.fixture
def run_against() -> Iterator[Callable[[Behaviour], RunOutcome]]:
    ends: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def run(
        behaviour: Behaviour, functions: tuple[HostFunction, ...] = (), limits: SecurityLimits = LIMITS
    ) -> RunOutcome:
        ours, theirs = socket.socketpair()
        ends.append(theirs)

        def serve() -> None:
            theirs.sendall(frame(Ready((), ())))
            read_frame(theirs)
            theirs.sendall(frame(Loaded(1, (), None)))
            read_frame(theirs)
            try:
                behaviour(theirs)
            except OSError:
                return

        thread = threading.Thread(target=serve)
        thread.start()
        threads.append(thread)
        bundle = bundle_of("result = 1")
        sandbox = Sandbox(OnlyReaps("", 0), Handle(ours, 2**22 + 1, None), bundle, functions, limits)
        sandbox.load(load_message(bundle.digest, bundle, functions, limits, 10))
        return sandbox.run(RunRequest(encode_value({}), 1, 1, functions), lambda _: b"\xc0")

    yield run
    for end in ends:
        end.close()
    for thread in threads:
        thread.join(10)


def done(**changes: object) -> bytes:
    fields = {
        "result": b"\xc0", "logs": (), "log_truncated": False, "fault": None, "cpu_us": 1, "memory_bytes": 1, **changes
    }  # fmt: skip
    return frame(Done(**fields))  # type: ignore[arg-type]


HOSTILE: dict[str, bytes] = {
    "a frame over the cap": (1 << 31).to_bytes(4, "big") + b"x" * 1000,
    "no message": frame(["Nothing", 1]),
    "an empty frame": b"\0\0\0\0",
    "not msgpack": (3).to_bytes(4, "big") + b"\xc1\xc1\xc1",
    "a very deep frame": (50_000).to_bytes(4, "big") + b"\x91" * 50_000,
    "a message out of turn": frame(Ready((), ())),
    "code once the script has run": frame(Loaded(1, (), None, (), (Compiled(b"", (), False, False),))),
    "a call that was not offered": frame(Call("os.system", b"\x92\x90\x80")),
    "a result too deep": done(result=b"\x91" * 40 + b"\xc0"),
    "a result with an extension": done(result=b"\xd4\x01\x00"),
    "a result with a number for a key": done(result=b"\x81\x01\x01"),
    "a result that is no text": done(result=b"\xa1\xff"),
    "a result beyond 64 bits": done(result=b"\xcf" + b"\xff" * 8),
    "a result that promises a billion values": done(result=b"\xdd\x3f\xff\xff\xff"),
    "a log with too many lines": done(logs=((1, "x"),) * 201),
    "a log with too many bytes": done(logs=((1, "x" * 40_000),)),
    "a log whose lines are out of order": done(logs=((2, "x"), (1, "y"))),
    "a log without times": done(logs=("x",)),
    "a log with a time that is no number": done(logs=(("1", "x"),)),
    "neither result nor fault": done(result=None),
    "a trace that nobody asked for": done(trace=Trace((), (), 0, (), ())),
    "bytes after the frame": done() + b"more",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_breaks_the_protocol_is_a_security_violation(
    run_against: Callable[[Behaviour], RunOutcome], name: str
) -> None:
    outcome = run_against(lambda end: end.sendall(HOSTILE[name]))
    assert outcome.error is not None
    assert outcome.error.type is ErrorType.SECURITY_VIOLATION
    assert outcome.result is None
    assert outcome.logs == ()


def test_forged_metrics_are_held_within_what_can_be_true(run_against: Callable[[Behaviour], RunOutcome]) -> None:
    outcome = run_against(lambda end: end.sendall(done(cpu_us=10**15, memory_bytes=-5)))
    assert outcome.error is None
    assert outcome.metrics.cpu_us <= outcome.metrics.wall_us
    assert outcome.metrics.memory_bytes == 0
    assert run_against(lambda end: end.sendall(done(memory_bytes=1 << 60))).metrics.memory_bytes < 1 << 30


def test_forged_times_of_a_log_are_held_within_the_run(run_against: Callable[[Behaviour], RunOutcome]) -> None:
    outcome = run_against(
        lambda end: end.sendall(done(logs=((-(1 << 63), "early"), (0, "first"), ((1 << 64) - 1, "late"))))
    )
    assert outcome.logs == ("early", "first", "late")
    assert outcome.log_us == (0, 0, outcome.metrics.wall_us)


def test_a_forged_fault_is_cut_to_size(run_against: Callable[[Behaviour], RunOutcome]) -> None:
    fault = Fault(ErrorType.EXECUTION, "m" * 50_000, "s" * 5000, -7, 1 << 60, "e" * 5000, "h" * 5000)
    error = run_against(lambda end: end.sendall(done(result=None, fault=fault))).error
    assert error is not None
    assert (error.line, error.column) == (None, None)
    assert max(map(len, (error.message, error.script, error.excerpt, error.hint))) <= 1000


def test_a_frame_that_trickles_in_is_ended_at_the_deadline(run_against: Callable[..., RunOutcome]) -> None:
    stop = threading.Event()

    def trickle(end: socket.socket) -> None:
        end.sendall((1000).to_bytes(4, "big"))
        for _ in range(200):
            if stop.wait(0.05):
                return
            end.sendall(b"x")

    started = time.monotonic()
    outcome = run_against(trickle, limits=SHORT)
    stop.set()
    assert outcome.error is not None
    assert outcome.error.type is ErrorType.TIMEOUT
    assert time.monotonic() - started < 9, "the frame takes ten seconds"


FORGED = {
    "of another type": done(result=None, logs=((1, "x"),), fault=Fault(ErrorType.SECURITY_VIOLATION, "m", "s", 7)),
    "a result": done(logs=((1, "x"),)),
    "a log over its bounds": done(logs=((1, "x"),) * 201),
    "a call": frame(Call("ask", b"\x92\x90\x80")),
    "no message": frame(["Nothing", 1]),
    "half a frame": done()[:-1],
    "nothing": b"",
}
UNSAID = {"half a frame", "nothing"}
"""The rest is waited for in vain."""


@pytest.mark.parametrize("name", FORGED)
def test_a_last_word_changes_nothing_of_the_timeout_that_it_is(
    run_against: Callable[..., RunOutcome], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()
    monkeypatch.setattr(supervised, "ask_for_last_word", lambda _: asked.set())
    if name not in UNSAID:
        monkeypatch.setattr(supervised, "LAST_WORD_SECONDS", 20.0)

    def speak(end: socket.socket) -> None:
        assert asked.wait(10)
        end.sendall(FORGED[name])

    outcome = run_against(speak, limits=SHORT)
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.message) == (ErrorType.TIMEOUT, "the script ran longer than 0.3 s")
    assert (outcome.result, outcome.cancelled) == (None, False)
    believed = name in {"of another type", "a result"}
    assert (outcome.logs, outcome.log_truncated) == ((("x",), False) if believed else ((), True))
    assert outcome.error.line == (7 if name == "of another type" else None)


def test_a_frame_in_many_pieces_is_one_frame(run_against: Callable[[Behaviour], RunOutcome]) -> None:
    def pieces(end: socket.socket) -> None:
        for byte in done(result=encode_value({"a": 1})):
            end.sendall(bytes([byte]))

    outcome = run_against(pieces)
    assert outcome.error is None
    assert outcome.result == encode_value({"a": 1})


def test_endless_calls_are_ended_at_their_number(run_against: Callable[..., RunOutcome]) -> None:
    def call(end: socket.socket) -> None:
        while True:
            end.sendall(frame(Call("ask", b"\x92\x90\x80")))
            read_frame(end)

    outcome = run_against(call, (HostFunction("ask", "read"),))
    assert outcome.error is not None
    assert outcome.error.type in {ErrorType.SECURITY_VIOLATION, ErrorType.TIMEOUT}
    assert outcome.metrics.host_calls <= LIMITS.max_host_calls + 1


def test_hostile_arguments_of_a_call_never_reach_the_host(run_against: Callable[..., RunOutcome]) -> None:
    outcome = run_against(lambda end: end.sendall(frame(Call("ask", b"\x91" * 5000))), (HostFunction("ask", "read"),))
    assert outcome.error is not None
    assert outcome.error.type is ErrorType.SECURITY_VIOLATION


@pytest.mark.parametrize("cpu_us", [400_000, 900_000], ids=["of a busy host", "of its own"])
def test_a_text_that_is_not_compiled_in_time_is_to_blame_where_it_had_the_processor(cpu_us: int) -> None:
    ours, theirs = socket.socketpair()
    bundle = bundle_of("result = 1")
    parent = OnlyReaps("", 0)
    parent.ended = ExitStatus(-9, cpu_us=cpu_us)
    limits = SecurityLimits(max_execution_time=0.3)
    sandbox = Sandbox(parent, Handle(ours, 2**22 + 1, None), bundle, (), limits)
    message = load_message(bundle.digest, bundle, (), limits, 10)
    with theirs:
        theirs.sendall(frame(Ready((), ())))  # and nothing more
        if cpu_us < 500_000:
            # Not NotStarted, after which the pool would begin anew and wait as long again.
            with pytest.raises(SandboxUnavailable, match="too busy"):
                sandbox.load(message)
            return
        fault = sandbox.load(message).fault
    assert fault is not None
    assert (fault.type, fault.message) == (ErrorType.COMPILATION, "compiling takes longer than 1 s")


def test_a_text_that_a_busy_host_takes_long_to_compile_is_waited_for() -> None:
    ours, theirs = socket.socketpair()
    bundle = bundle_of("result = 1")
    idle = subprocess.Popen(["sleep", "60"])
    sandbox = Sandbox(OnlyReaps("", 0), Handle(ours, idle.pid, None), bundle, (), SHORT)
    with theirs:
        theirs.sendall(frame(Ready((), ())))
        late = threading.Timer(1.3, theirs.sendall, [frame(Loaded(1, (), None))])  # compiling has a second
        late.start()
        loaded = sandbox.load(load_message(bundle.digest, bundle, (), SHORT, 10))
        late.join()
    assert loaded.fault is None
    sandbox.end()
    idle.wait()


def test_an_end_before_the_run_was_read_is_run_elsewhere() -> None:
    ours, theirs = socket.socketpair()
    bundle = bundle_of("result = 1")
    sandbox = Sandbox(OnlyReaps("", 0), Handle(ours, 2**22 + 1, None), bundle, (), LIMITS)

    def serve() -> None:
        theirs.sendall(frame(Ready((), ())))
        read_frame(theirs)
        theirs.sendall(frame(Loaded(1, (), None)))

    thread = threading.Thread(target=serve)
    thread.start()
    sandbox.load(load_message(bundle.digest, bundle, (), LIMITS, 10))
    thread.join(10)
    theirs.close()
    with pytest.raises(NotStarted):
        sandbox.run(RunRequest(encode_value({}), 1, 1), None)
