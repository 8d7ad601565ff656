"""The protocol in memory: both ends of a conversation, and what either refuses to send or to hear."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripting.sandbox.protocol import (
    HEADER_BYTES,
    Answer,
    Call,
    Connection,
    Done,
    ErrorType,
    Fault,
    Load,
    Loaded,
    LocalProtocolError,
    Ready,
    RemoteProtocolError,
    Run,
    State,
    Text,
    frame_length,
)
from scripting.sandbox.wire import Wire
from scripting.supervisor.channel import Channel, PeerGone

LOAD = Load(Text("a", "python", b""), (), (), ("math",), 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
FAULT = Fault(ErrorType.EXECUTION, "text", "a", 1, 2, "x", "y")


class Pair:
    """Two ends that hear each other."""

    def __init__(self) -> None:
        self.supervisor = Connection(sandbox_end=False)
        self.sandbox = Connection(sandbox_end=True)

    def down(self, message: Any) -> Any:
        return self.sandbox.receive(body(self.supervisor.send(message)))

    def up(self, message: Any) -> Any:
        return self.supervisor.receive(body(self.sandbox.send(message)))


def body(frame: bytes) -> bytes:
    assert frame_length(frame, 1 << 20) == len(frame) - HEADER_BYTES
    return frame[HEADER_BYTES:]


def test_a_whole_conversation_arrives_as_it_was_sent() -> None:
    pair = Pair()
    for message in (Ready(("seccomp",), (("landlock", "no"),)), LOAD, Loaded(5, (), None)):
        heard = pair.down(message) if isinstance(message, Load) else pair.up(message)
        assert heard == message
    for _ in range(2):
        assert pair.down(Run(b"\x80", 1, 2)).inputs == b"\x80"
        assert pair.up(Call("f", b"\x90")).name == "f"
        assert pair.down(Answer(None, "no")).error == "no"
        assert pair.up(Done(None, ((5, "line"),), True, FAULT, 1, 2)).fault == FAULT
    assert pair.supervisor.state is pair.sandbox.state is State.LOADED


def test_each_end_refuses_to_send_out_of_turn() -> None:
    with pytest.raises(LocalProtocolError):
        Connection(sandbox_end=False).send(Run(b"", 1, 2))


@pytest.mark.parametrize("message", [Loaded(1, (), None), Call("f", b""), Done(b"\xc0", (), False, None, 1, 1)])
def test_a_message_out_of_turn_closes_the_conversation(message: Any) -> None:
    supervisor = Connection(sandbox_end=False)
    with pytest.raises(RemoteProtocolError):
        supervisor.receive(msgspec.msgpack.encode(message))
    assert supervisor.state is State.CLOSED
    with pytest.raises(RemoteProtocolError):
        supervisor.receive(msgspec.msgpack.encode(Ready((), ())))


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_message_in_turn_or_a_protocol_error(data: bytes) -> None:
    supervisor = Connection(sandbox_end=False)
    supervisor.state = State.RUNNING
    try:
        message = supervisor.receive(data)
    except RemoteProtocolError:
        return
    assert isinstance(message, (Done, Call))


@pytest.mark.parametrize(
    "fields",
    [
        ["Done", b"", [], False, None, 1, 1, "more"],
        ["Done", b"", [], False, None, 1],
        ["Done", "text", [], False, None, 1, 1],
        ["Done", b"", [1], False, None, 1, 1],
        ["Done", b"", [], False, None, 1.5, 1],
        ["Done", b"", [], False, None, 1 << 70 if False else "1", 1],
        ["Done", None, [], False, ["nonsense", "m"], 1, 1],
        ["Run", b"", 1, 1],
        ["Nothing"],
        [],
        {"type": "Done"},
        [[[[[[[[]]]]]]]],
    ],
)
def test_a_message_of_the_wrong_shape_is_refused(fields: Any) -> None:
    supervisor = Connection(sandbox_end=False)
    supervisor.state = State.RUNNING
    with pytest.raises(RemoteProtocolError):
        supervisor.receive(msgspec.msgpack.encode(fields))


def test_a_length_over_the_cap_is_refused_before_the_body_is_read() -> None:
    with pytest.raises(RemoteProtocolError, match="over the cap"):
        frame_length((1 << 30).to_bytes(HEADER_BYTES, "big"), 1 << 20)


@pytest.mark.parametrize("size", [0, 1, 4, 1000, 1010, 1011, 1012, 1013, 1014, 1015, 1016, 5000])
def test_a_frame_of_any_length_and_in_any_two_pieces_arrives_whole(size: int) -> None:
    """Short frames have their headers ready, so both kinds meet around 1 024 bytes."""
    frame, other = _frame(Run(b"x" * size, 1, 2)), _frame(Run(b"y" * size, 1, 3))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire, channel = Wire(theirs.fileno()), Channel(ours)
        for cut in {0, 1, 3, 4, 5, len(frame) - 1}:
            # Cut behind the first frame, the second is what the first read left.
            theirs.sendall(frame[:cut])
            heard = _later(theirs, frame[cut:], lambda: channel.receive(5.0, _never(), 1 << 20))
            assert heard == body(frame), cut
            ours.sendall(frame[:cut])
            assert _later(ours, frame[cut:] + other, wire.read) == body(frame), cut
            assert wire.read() == body(other), cut
        theirs.sendall(frame)
        assert channel.exchange(frame, 5.0, _never(), 1 << 20) == body(frame)
        assert wire.read() == body(frame)
        theirs.sendall(frame + b"x")
        with pytest.raises(RemoteProtocolError, match="bytes after the end"):
            channel.exchange(frame, 5.0, _never(), 1 << 20)
        theirs.sendall(frame[:3])
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(PeerGone):
            channel.exchange(frame, 5.0, _never(), 1 << 20)


def _frame(message: Run) -> bytes:
    connection = Connection(sandbox_end=False)
    connection.state = State.LOADED
    return connection.send(message)


def _later(sending: socket.socket, rest: bytes, receive: Any) -> Any:
    """The answer of `receive` where the rest comes after the first read."""
    timer = threading.Timer(0.005, sending.sendall, [rest])
    timer.start()
    try:
        return receive()
    finally:
        timer.join()


def _never() -> float:
    return time.monotonic() + 60
