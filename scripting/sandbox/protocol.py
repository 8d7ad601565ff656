"""The seam between supervisor and sandbox: typed frames with a size cap; bytes in, bytes out, no sockets.

A frame is a four-byte big-endian length and that many bytes of msgpack: one tagged message. Inputs, arguments, answers and
results travel inside as opaque bytes (see plain_data.py). `Connection` knows which message may follow which, for either end.
"""

from __future__ import annotations

import enum
import signal
import struct
from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec

from scripting.sandbox.plain_data import (
    ValueProblem,
    check_value,
    decode_trusted,
    decode_value,
    encode_value,
    scan_value,
)

__all__ = [
    "DEFAULT_PACKAGES",
    "HEADERS",
    "HEADER_BYTES",
    "LAST_WORD_SIGNAL",
    "SCRIPT_FUNCTIONS",
    "SHORT",
    "Answer",
    "Call",
    "Compiled",
    "Connection",
    "Done",
    "ErrorType",
    "Fault",
    "Finding",
    "Function",
    "Inputs",
    "Knob",
    "KnobValue",
    "Load",
    "Loaded",
    "LocalProtocolError",
    "Parameter",
    "Ready",
    "RemoteProtocolError",
    "Run",
    "Shape",
    "State",
    "Step",
    "Text",
    "Trace",
    "TracedText",
    "ValueProblem",
    "check_value",
    "decode_trusted",
    "decode_value",
    "encode_value",
    "frame_length",
    "length_in",
    "scan_value",
]

DEFAULT_PACKAGES: tuple[str, ...] = (
    "math",
    "random",
    "statistics",
    "json",
    "datetime",
    "string",
    "re",
    "itertools",
    "functools",
    "collections",
    "abc",
    "bisect",
    "calendar",
    "contextlib",
    "copy",
    "dataclasses",
    "decimal",
    "enum",
    "fractions",
    "hashlib",
    "heapq",
    "operator",
    "textwrap",
    "time",
    "types",
    "typing",
    "uuid",
)

SCRIPT_FUNCTIONS: dict[str, tuple[str, str]] = {
    "log": ("log(text)", "Write a line to the execution's log; print() does the same."),
    "rand": ("rand() -> float", "A number from 0 up to 1, from the seed recorded with the run."),
    "now": ("now() -> datetime", "The moment of the run, in UTC, from the clock recorded with the run."),
    "timestamp": ("timestamp() -> int", "The moment of the run in whole seconds since 1970 UTC."),
    "get_context": ("get_context() -> dict", "A copy of all context variables."),
}
"""Functions that every script may call: name to (signature, description)."""

TRACE_STEPS = 1_000
"""Steps of a traced run that are told, half of them from its end."""
TRACE_VALUE = 100
"""Characters of one value."""
TRACE_BYTES = 256 << 10
"""Of all texts of a trace in UTF-8, with a few bytes for each step."""
TRACE_KINDS = frozenset({"", "call", "turn", "true", "false", "caught", "return"})
"""Kinds of a step beside giving names their values."""
TRACE_STOPS = frozenset({"", "steps", "depth", "time", "memory", "fault"})
"""Why a trace does not reach to the end of its run."""

LAST_WORD_SIGNAL = signal.SIGUSR1
"""Asks a sandbox, before it is killed, for the end of its run as far as it has come."""

_HEADER = struct.Struct(">I")
HEADER_BYTES = _HEADER.size
length_in = _HEADER.unpack_from
"""The length that a header tells, in a tuple of one. Quicker than int.from_bytes."""
SHORT = 1 << 10
"""Bodies of frames that are shorter have a header that is made: every run writes two, and reads two."""
HEADERS = tuple(map(_HEADER.pack, range(SHORT)))
"""The headers of short bodies, each at its length."""


class ErrorType(enum.StrEnum):
    """The standard error types, one for each kind of failure a script can have."""

    COMPILATION = "compilation"
    INVALID_SYNTAX = "invalid_syntax"
    EXECUTION = "execution"
    TIMEOUT = "timeout"
    MEMORY_LIMIT = "memory_limit"
    SECURITY_VIOLATION = "security_violation"
    NOT_FOUND = "not_found"


class LocalProtocolError(RuntimeError):
    """This end tried to send a message that the other end does not expect now: a bug on our side."""


class RemoteProtocolError(RuntimeError):
    """The other end sent bytes that are no message, or one that may not come now: it is not to be trusted any more."""


class _Message(msgspec.Struct, frozen=True, array_like=True, tag=True, forbid_unknown_fields=True, gc=False):
    pass


KnobValue: TypeAlias = bool | int | float | str


class Text(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One source text; `text` is UTF-8 with surrogates passed, so that text which cannot be encoded is refused over there."""

    name: str
    language: str
    text: bytes
    knobs: tuple[tuple[str, KnobValue], ...] = ()
    """Values that are set for its knobs."""


class Knob(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A constant of the script that people may set without editing its text; line and columns are those of its name."""

    name: str
    kind: str
    """`whole`, `decimal`, `flag`, `choice` or `text`."""
    default: KnobValue
    value: KnobValue
    """The one in force: the value that is set, or the default."""
    low: int | float | None
    high: int | float | None
    step: int | float | None
    choices: tuple[str, ...]
    label: str
    line: int
    column: int
    end_column: int
    problem: str = ""
    """Why the value that is set is not taken; empty where it is, or where none is set."""


class Parameter(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One parameter of a function; `kind` is that of inspect.Parameter, by its name."""

    name: str
    kind: str = "POSITIONAL_OR_KEYWORD"
    required: bool = True


class Function(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A function that the module exposes: a global name in the script."""

    name: str
    kind: str
    parameters: tuple[Parameter, ...] | None = None
    """None where they are not known."""


class Shape(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A value as a schema has it: a dict with these fields, a list of such items, or, with neither, anything without parts.

    Where a tuple of shapes stands, the value is one of them; of an empty one nothing is known.
    """

    name: str = ""
    """Of the struct that the schema names, or the topic."""
    fields: dict[str, tuple[Shape, ...]] | None = None
    items: tuple[Shape, ...] | None = None
    is_open: bool = False
    """There may be other fields too."""


class Inputs(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One kind of run: a topic or an endpoint, and the context variables that it brings."""

    label: str
    variables: dict[str, tuple[Shape, ...]]


class Fault(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A script's failure; line and column are 1-based, in characters."""

    type: ErrorType
    message: str
    script: str = ""
    line: int | None = None
    column: int | None = None
    excerpt: str = ""
    hint: str = ""


class Finding(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One finding of a check; `severity` is `error` or `warning`. A warning that is `certain` is no guess: what it names goes
    wrong in every run that gets there."""

    severity: str
    type: ErrorType
    message: str
    script: str
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    hint: str = ""
    certain: bool = False


class Step(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One execution of a line in a traced run."""

    text: int
    """Which of the texts of the trace."""
    line: int
    turn: int
    """How often the line had begun by then."""
    kind: str
    values: tuple[tuple[str, str], ...]
    """Names with what they stand for from then on; the name is empty for a value that has none."""


class TracedText(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The lines of one text in a traced run."""

    name: str
    counts: tuple[tuple[int, int], ...]
    """Lines that ran, each with how often: of a loop its turns, of a function its calls."""
    idle: tuple[int, ...]
    """Lines that have something to run and never did."""
    blocks: tuple[tuple[int, int], ...]
    """First and last line of loops and functions."""


class Trace(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A run line by line: the first steps and the latest, and the last step of each line."""

    texts: tuple[TracedText, ...]
    """The script and its helpers."""
    first: tuple[Step, ...]
    dropped: int
    """Steps between the first and the latest."""
    latest: tuple[Step, ...]
    last: tuple[Step, ...]
    stopped: str = ""
    """Why it does not reach to the end: `steps`, `depth`, `time`, `memory`, `fault`; empty where it does."""


class Compiled(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One text compiled, for another sandbox of the same bundle. Nobody else reads it: to the supervisor it is bytes."""

    code: bytes
    """Marshalled."""
    used: tuple[str, ...]
    """Packages whose state a run may change, as far as it must then be made anew."""
    suspends: bool
    draws: bool


class Load(_Message, frozen=True, gc=False):
    """To the sandbox, once: compile this bundle and keep within these limits (bytes, seconds, counts)."""

    script: Text
    helpers: tuple[Text, ...]
    functions: tuple[Function, ...]
    packages: tuple[str, ...]
    memory_bytes: int
    cpu_seconds: int
    max_source_bytes: int
    max_source_lines: int
    max_source_nesting: int
    max_result_bytes: int
    max_result_depth: int
    max_result_nodes: int
    max_log_lines: int
    max_log_bytes: int
    max_host_calls: int
    offered_helpers: tuple[str, ...] = ()
    """Names of the helpers there are, whether imported or not."""
    inputs: tuple[Inputs, ...] = ()
    """The kinds of run that the script gets; empty where they are not known."""
    warns: bool = True
    """Look for warnings too: a check does, a run need not wait for it."""
    traces: bool = False
    """Tell line by line what the run does. A sandbox so loaded serves one run."""
    tells_code: bool = False
    """Send up what was compiled, in Loaded."""
    compiled: tuple[Compiled, ...] = ()
    """Made of the very same script and helpers, in their order, by another sandbox before it ran anything; empty: compile."""


class Run(_Message, frozen=True, gc=False):
    """To the sandbox: run what was loaded on these inputs (msgpack of a dict), with this seed and clock (µs since 1970 UTC)."""

    inputs: bytes
    seed: int
    clock_us: int


class Answer(_Message, frozen=True, gc=False):
    """To the sandbox: what the called function gave (msgpack), or why it was refused."""

    answer: bytes | None
    error: str


class Ready(_Message, frozen=True, gc=False):
    """From the sandbox, once: locked down and waiting; `layers` are the names that hold, `missing` say what does not and why."""

    layers: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]


class Loaded(_Message, frozen=True, gc=False):
    """From the sandbox: what compiling found. With a fault there is nothing to run."""

    compile_us: int
    findings: tuple[Finding, ...]
    fault: Fault | None
    knobs: tuple[Knob, ...] = ()
    """Of the script, in the order of its text; a check asks for them, a run does not."""
    compiled: tuple[Compiled, ...] = ()
    """Where that was asked for. It comes here and in no later message: nothing of the script has run yet."""


class Call(_Message, frozen=True, gc=False):
    """From the sandbox, while it runs: perform this function; `arguments` is the msgpack of [positional, keyword]."""

    name: str
    arguments: bytes


class Done(_Message, frozen=True, gc=False):
    """From the sandbox: the run is over, teardown included, and the sandbox is ready for the next one; or it was asked for its
    last word, and has ended: the fault then says where the script was.

    A line of the log has the µs of the monotonic clock, which both ends share, at which it was written.
    """

    result: bytes | None
    logs: tuple[tuple[int, str], ...]
    log_truncated: bool
    fault: Fault | None
    cpu_us: int
    memory_bytes: int
    trace: Trace | None = None


ToSandbox: TypeAlias = Load | Run | Answer
FromSandbox: TypeAlias = Ready | Loaded | Call | Done


class State(enum.Enum):
    """Where the conversation stands, the same at both ends."""

    STARTING = "starting"
    EMPTY = "empty"
    LOADING = "loading"
    LOADED = "loaded"
    RUNNING = "running"
    CALLING = "calling"
    CLOSED = "closed"


_MOVES: dict[type, tuple[State, State]] = {
    Ready: (State.STARTING, State.EMPTY),
    Load: (State.EMPTY, State.LOADING),
    Loaded: (State.LOADING, State.LOADED),
    Run: (State.LOADED, State.RUNNING),
    Call: (State.RUNNING, State.CALLING),
    Answer: (State.CALLING, State.RUNNING),
    Done: (State.RUNNING, State.LOADED),
}
"""Each message may come in one state only, and leads to one other."""

_encode = msgspec.msgpack.Encoder().encode
_decode_to_sandbox = msgspec.msgpack.Decoder(ToSandbox).decode
_decode_from_sandbox = msgspec.msgpack.Decoder(FromSandbox).decode


def frame_length(header: bytes, cap: int) -> int:
    """The length of the body that follows this header. Raises RemoteProtocolError if it is over the cap (bytes)."""
    length: int = length_in(header)[0]
    if length > cap:
        raise RemoteProtocolError(f"a frame of {length} bytes is over the cap of {cap}")
    return length


class Connection:
    """One end of the conversation: messages to frames, bodies of frames to messages, each only when it may come."""

    __slots__ = ("_decode", "state")

    def __init__(self, *, sandbox_end: bool) -> None:
        self.state = State.STARTING
        self._decode = _decode_to_sandbox if sandbox_end else _decode_from_sandbox

    def send(self, message: ToSandbox | FromSandbox) -> bytes:
        """The frame to put on the wire. Raises LocalProtocolError if the message may not be sent now."""
        before, following = _MOVES[type(message)]
        if self.state is not before:
            raise LocalProtocolError(f"{type(message).__name__} may not be sent while {self.state.value}")
        body = _encode(message)
        self.state = following
        length = len(body)
        return (HEADERS[length] if length < SHORT else _HEADER.pack(length)) + body

    def receive(self, body: bytes) -> Any:
        """The message in this body. Raises RemoteProtocolError if it is none, or may not come now."""
        try:
            message = self._decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self.state = State.CLOSED
            raise RemoteProtocolError(f"not a message: {str(error)[:200]}") from None
        before, following = _MOVES[type(message)]
        if self.state is not before:
            now, self.state = self.state, State.CLOSED
            raise RemoteProtocolError(f"{type(message).__name__} may not come while {now.value}")
        self.state = following
        return message


def cut(text: str, length: int) -> str:
    """The text, or its beginning with an ellipsis, in at most `length` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def total_bytes(lines: Iterable[str]) -> int:
    """How many bytes these lines take in UTF-8, each with the newline it stands for."""
    return sum(len(line.encode("utf-8", "replace")) + 1 for line in lines)
