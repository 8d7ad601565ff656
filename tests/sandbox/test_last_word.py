"""A sandbox asked for its last word, frame by frame: it answers the run that goes on, whole frames alone, and nothing otherwise."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from scripting.sandbox.protocol import HEADER_BYTES, Answer, Call, Connection, Done, Run, encode_value, length_in
from scripting.supervisor.fork_server import Handle, ParentClient, ask_for_last_word, kill, release
from scripting.supervisor.interface import HostFunction
from scripting.supervisor.loading import load_message
from scripting.types import SecurityLimits
from tests.support.sandboxes import CLOCK_US, bundle_of

ASK = HostFunction("ask", "read")


class Supervisor:
    """Speaks to a sandbox by hand."""

    def __init__(self, handle: Handle, text: str) -> None:
        self.handle = handle
        self.socket = handle.socket
        self.socket.settimeout(20)
        self.connection = Connection(sandbox_end=False)
        self.receive()
        bundle = bundle_of(text)
        self.send(load_message(bundle.digest, bundle, (ASK,), SecurityLimits(), 60))
        self.receive()

    def send(self, message: Any) -> None:
        self.socket.sendall(self.connection.send(message))

    def run(self, **context: object) -> None:
        self.send(Run(encode_value(context), 1, CLOCK_US))

    def receive(self, header: bytes = b"") -> Any:
        header = header or self.header()
        return self.connection.receive(self.read(length_in(header)[0]))

    def header(self) -> bytes:
        return self.read(HEADER_BYTES)

    def read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            assert more, "the sandbox has ended in the middle of a frame"
            data += more
        return data

    def ask(self) -> None:
        ask_for_last_word(self.handle)

    def has_ended(self) -> bool:
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:  # it had not read all that it was sent
            return True


@pytest.fixture
def parent() -> Iterator[ParentClient]:
    made = ParentClient(sys.executable, 0)
    yield made
    made.close()


@pytest.fixture
def supervisor(parent: ParentClient, request: pytest.FixtureRequest) -> Iterator[Supervisor]:
    handle = parent.fork()
    yield Supervisor(handle, request.param)
    kill(handle)
    release(handle)


with_text = pytest.mark.parametrize(
    "supervisor", ["log(n)\nask('x' * size)\nwhile size > 1: pass\nresult = n"], indirect=True
)


@with_text
def test_in_a_run_it_tells_log_and_line_and_ends(supervisor: Supervisor) -> None:
    supervisor.run(n=1, size=2)
    supervisor.receive()
    supervisor.send(Answer(b"\xc0", ""))
    supervisor.ask()
    word = supervisor.receive()
    assert isinstance(word, Done)
    assert word.result is None
    assert [line for _, line in word.logs] == ["1"]
    assert word.fault is not None
    assert (word.fault.script, word.fault.line) in {("test/script", 2), ("test/script", 3)}
    assert supervisor.has_ended()


@with_text
def test_between_runs_it_says_nothing_and_the_next_run_is_told_alone(supervisor: Supervisor) -> None:
    for n in range(20):
        supervisor.run(n=n, size=1)
        supervisor.receive()
        supervisor.send(Answer(b"\xc0", ""))
        done = supervisor.receive()
        supervisor.ask()
        assert (done.fault, [line for _, line in done.logs]) == (None, [str(n)])


@with_text
def test_in_the_middle_of_a_frame_it_finishes_that_frame_first(supervisor: Supervisor) -> None:
    supervisor.run(n=1, size=900_000)
    header = supervisor.header()  # the frame is larger than what fits between the two: it is being written
    supervisor.ask()
    call = supervisor.receive(header)
    assert isinstance(call, Call)
    assert len(call.arguments) > 900_000
    supervisor.connection.send(Answer(b"\xc0", ""))  # never put on the wire
    word = supervisor.receive()
    assert [line for _, line in word.logs] == ["1"]
    assert supervisor.has_ended()


@with_text
def test_while_it_waits_for_a_host_call_it_tells_the_line_of_the_call(supervisor: Supervisor) -> None:
    supervisor.run(n=1, size=1)
    assert isinstance(supervisor.receive(), Call)
    supervisor.ask()
    supervisor.connection.send(Answer(b"\xc0", ""))  # never put on the wire
    word = supervisor.receive()
    assert word.fault.line == 2
    assert word.fault.excerpt == "ask('x' * size)"
    assert supervisor.has_ended()
