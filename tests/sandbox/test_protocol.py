"""The protocol in memory: both ends of a conversation, and what either refuses to send or to hear."""

from __future__ import annotations

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
