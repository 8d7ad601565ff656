"""The data classes of the public interface: what goes into a run and what comes out of it. Django-free.

Durations in requests are seconds (float); durations in metrics are microseconds (int); sizes are bytes (int).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from scripting.sandbox.protocol import DEFAULT_PACKAGES, ErrorType, KnobValue, Trace

__all__ = [
    "Bundle",
    "Diagnostic",
    "ErrorType",
    "ExecutionMetrics",
    "ExecutionRequest",
    "HostCallRecord",
    "Knob",
    "KnobValue",
    "PlayDecision",
    "PlayEffect",
    "Playback",
    "RecordedRun",
    "RunStory",
    "ScriptError",
    "ScriptInput",
    "ScriptOutput",
    "SecurityLimits",
    "SimulatedPlay",
    "Source",
    "Trace",
    "VersionInfo",
]


@dataclass(frozen=True)
class SecurityLimits:
    """Limits of one run. Every limit is enforced, not measured afterwards."""

    max_execution_time: float = 5.0
    """Wall clock in seconds, host calls and teardown included."""
    max_memory_bytes: int = 32 << 20
    """Bytes above the idle sandbox."""
    allowed_packages: tuple[str, ...] = DEFAULT_PACKAGES
    max_source_bytes: int = 256 << 10
    max_source_lines: int = 20_000
    max_source_nesting: int = 60
    """Bracket and block nesting, bounded before the text is compiled."""
    max_result_bytes: int = 256 << 10
    max_result_depth: int = 32
    max_result_nodes: int = 20_000
    max_log_lines: int = 200
    max_log_bytes: int = 32 << 10
    max_host_calls: int = 200

    def __post_init__(self) -> None:
        if not self.max_execution_time > 0:
            raise ValueError("max_execution_time must be a positive number of seconds")
        for limit in dataclasses.fields(self):
            value = getattr(self, limit.name)
            if isinstance(value, int) and value < (0 if limit.name in _MAY_BE_ZERO else 1):
                raise ValueError(f"{limit.name} must be positive, not {value}")

    def replace(self, **changes: Any) -> SecurityLimits:
        return dataclasses.replace(self, **changes)


_MAY_BE_ZERO = {"max_log_lines", "max_log_bytes", "max_host_calls"}


@dataclass(frozen=True)
class ScriptInput:
    """The script's input: its context variables by name, plus what makes the run repeatable."""

    context: Mapping[str, Any] = field(default_factory=dict)
    """Plain data: None, bool, int64, float, str, bytes, list, dict with string keys."""
    seed: int | None = None
    """Seed of `rand()` and `random`, 0 ≤ seed < 2**63; drawn afresh (and recorded) when None."""
    clock_us: int | None = None
    """The clock that `now()` and `timestamp()` read: microseconds since 1970 UTC; the moment of the run when None."""


@dataclass(frozen=True)
class ExecutionRequest:
    """One script to run by name, on whatever version is active when the attempt starts."""

    module_name: str
    script_name: str
    input: ScriptInput = field(default_factory=ScriptInput)
    trigger: str = "manual"
    """`event`, `endpoint`, `manual` or `replay`."""
    limits: SecurityLimits | None = None
    """Over the script's and the module's own limits when given."""
    topic: str = ""
    key: str = ""
    """Ordering key: at most one run per key at a time (of a game with many matches, the id of the match)."""
    depth: int = 0
    """How many events led here; follow-ups carry depth + 1."""
    user_id: str = ""
    request_id: str = ""
    execution_id: str | None = None
    """Given to cancel the run from outside; made when None."""
    queue_deadline: float = 0.0
    """Seconds to wait for a free place beyond the maximum of concurrent executions; 0 refuses at once."""


@dataclass(frozen=True)
class ScriptError:
    """A script's failure as a value: what, where, and what to do about it."""

    type: ErrorType
    message: str
    script: str = ""
    """`module/name`, or the name of the text for a trial."""
    line: int | None = None
    column: int | None = None
    """1-based, in characters."""
    excerpt: str = ""
    """The line of source the position points at, without its newline."""
    hint: str = ""
    """Advice: what to write instead, where known."""

    def __str__(self) -> str:
        where = f"{self.script}:{self.line}:{self.column}: " if self.line is not None else ""
        return f"{where}{self.type.value}: {self.message}"


@dataclass(frozen=True)
class Diagnostic:
    """One finding of a check: `severity` is `error` or `warning`; line and column are 1-based.

    An error is refused. A warning that is `certain` names what goes wrong in every run that gets there.
    """

    severity: str
    type: ErrorType
    message: str
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    hint: str = ""
    certain: bool = False


class ExecutionMetrics(msgspec.Struct, frozen=True, gc=False):
    """The cost of a run. `memory_bytes` is the peak above the idle sandbox in this run (±256 KiB), as the sandbox reports it."""

    compile_us: int = 0
    wall_us: int = 0
    cpu_us: int = 0
    memory_bytes: int = 0
    host_calls: int = 0
    host_us: int = 0


@dataclass(frozen=True)
class HostCallRecord:
    """One call of an exposed function: arguments and answer are the frame's bytes (msgpack)."""

    name: str
    kind: str
    arguments: bytes
    answer: bytes | None = None
    error: str = ""


@dataclass(frozen=True)
class VersionInfo:
    """Which text ran: number 0 for a trial that is stored nowhere."""

    number: int
    digest: str
    origin: str
    language: str


@dataclass(frozen=True)
class Source:
    """One text in one language."""

    name: str
    """`module/name` for a stored script."""
    language: str
    text: str
    knobs: tuple[tuple[str, KnobValue], ...] = ()
    """Values that are set for its knobs, by name: they are compiled in the place of the defaults."""
    segments: tuple[tuple[str, tuple[tuple[str, KnobValue], ...]], ...] = ()
    """Values for some events alone, over those: (selector, values by name). Of an event the first selector that fits counts."""

    def of_segment(self, fits: Callable[[str], bool]) -> Source:
        """The text as it is compiled for an event, given which selectors fit it."""
        if not self.segments:
            return self
        own = next((values for selector, values in self.segments if fits(selector)), ())
        return Source(self.name, self.language, self.text, tuple(sorted({**dict(self.knobs), **dict(own)}.items())))


@dataclass(frozen=True)
class Bundle:
    """A script with the helpers that it may import."""

    script: Source
    helpers: tuple[Source, ...] = ()
    """Sources of the reserved module `shared`, by name, all in the script's language."""
    offered: tuple[str, ...] = field(default=(), compare=False)
    """Names of all the helpers there are, for what a check says of one that is not."""

    @property
    def digest(self) -> str:
        """sha256 (hex) over names, languages and texts, and over values of knobs where any are set."""
        cached = self.__dict__.get("_digest")
        if cached is None:
            hasher = hashlib.sha256()
            for source in (self.script, *sorted(self.helpers, key=lambda helper: helper.name)):
                knobs = (f"knobs {canonical(dict(source.knobs))}",) if source.knobs else ()
                if source.segments:
                    knobs = (*knobs, f"segments {json.dumps(source.segments)}")
                for part in (source.name, source.language, source.text, *knobs):
                    encoded = part.encode("utf-8", "surrogatepass")
                    hasher.update(len(encoded).to_bytes(8, "big") + encoded)
            cached = hasher.hexdigest()
            self.__dict__["_digest"] = cached
        return cached

    @property
    def is_split(self) -> bool:
        """Whether it is compiled differently for different events."""
        cached = self.__dict__.get("_split")
        if cached is None:
            cached = self.__dict__["_split"] = any(source.segments for source in (self.script, *self.helpers))
        return bool(cached)

    def of_segment(self, fits: Callable[[str], bool]) -> Bundle:
        """The bundle as it is compiled for an event, given which selectors fit it: the same one for the same answers."""
        if not self.is_split:
            return self
        sources = tuple(source.of_segment(fits) for source in (self.script, *self.helpers))
        known: dict[Any, Bundle] = self.__dict__.setdefault("_of_segments", {})
        return known.setdefault(
            tuple(source.knobs for source in sources), Bundle(sources[0], sources[1:], self.offered)
        )


def canonical(values: Mapping[str, KnobValue]) -> str:
    """Values of knobs as one text: the same values give the same."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Knob:
    """A constant of a script that people set without editing its text, as its check reports it."""

    name: str
    kind: str
    """`whole`, `decimal`, `flag`, `choice` or `text`."""
    default: KnobValue
    value: KnobValue
    """The one in force: the value that is set, or the default."""
    low: int | float | None = None
    high: int | float | None = None
    step: int | float | None = None
    choices: tuple[str, ...] = ()
    label: str = ""
    line: int = 1
    column: int = 1
    end_column: int = 1
    """Of its name: 1-based, in characters."""
    problem: str = ""
    """Why the value that is set is not taken; empty where it is, or where none is set."""

    @property
    def is_number(self) -> bool:
        return self.kind in ("whole", "decimal")


@dataclass(frozen=True)
class ScriptOutput:
    """The output of a run. Exactly one of `error` and a trustworthy `result` counts: with an error, result is None."""

    result: Any = None
    logs: list[str] = field(default_factory=list)
    error: ScriptError | None = None
    metrics: ExecutionMetrics = field(default_factory=ExecutionMetrics)
    version: VersionInfo | None = None
    status: str = "succeeded"
    """`succeeded`, `fell_back`, `failed`, `cancelled`, `skipped` or `abandoned`."""
    execution_id: str | None = None
    seed: int | None = None
    clock_us: int | None = None
    host_calls: Sequence[HostCallRecord] = ()
    """In order, effects included: for a trial run, the effects it would have had."""
    log_truncated: bool = False
    log_us: list[int] = field(default_factory=list)
    """When each line of `logs` was written, in µs from the beginning of the run."""
    refused: bool = False
    """Whether the fault is the caller's: the request does not fit, or the game refused what it asked for. `error` says why."""
    left_recording: str = ""
    """Of a trial on a recording: where it read what that does not hold, as `call 2: get_score()`."""
    trace: Trace | None = None
    """Of a trial that was asked for it: what each line did."""

    @property
    def ok(self) -> bool:
        return self.error is None


@dataclass(frozen=True)
class PlayEffect:
    """A command that a script gave in a simulated play: an exposed function of kind `effect`, its arguments by name."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class PlayDecision:
    """The decision of the scripts under test on one event of a simulated play, their fallbacks included."""

    result: Any = None
    effects: tuple[PlayEffect, ...] = ()
    """In the order in which the script gave them; empty where it failed."""
    ok: bool = True
    """False where no script decided: the module's built-in rule does then."""
    role: str = "primary"
    """`primary` or `fallback`, as an execution's attempt has it."""
    version: VersionInfo | None = None
    """The version that decided; where none did, None."""
    error: str = ""
    """Why the version under test did not decide; empty where it did."""


@dataclass(frozen=True)
class SimulatedPlay:
    """One unit of a module's play, simulated from start to end. All of it is plain data."""

    measures: Mapping[str, float]
    """Figures that are compared between two sets of scripts, by name: a side's win as 0 or 1, length, losses, score."""
    outcome: str
    """Who won, in a few words: the same words in every play that ended alike, so that plays can be counted by it."""
    log: tuple[Mapping[str, Any], ...] = ()
    """The entries, equal to those that a live play of the same seed and scripts writes."""
    start: Mapping[str, Any] = field(default_factory=dict)
    """The state before the first step, as the module's `playback` draws it."""
    steps: tuple[Mapping[str, Any], ...] = ()
    """The changes, step by step. Bounded: a play that is longer is cut short by the module."""


@dataclass(frozen=True)
class Playback:
    """How a simulated play is shown: a template of the module's that draws a part of a page, and its context."""

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordedRun:
    """A recorded execution, as a module is asked to tell of it. What its topic calls sensitive is hidden in all of it."""

    execution_id: str
    script: str
    topic: str
    """Empty for a request, or for a run by hand."""
    payload: Mapping[str, Any]
    """Of the event, or the body of the request; empty where its payload is not kept any more."""
    result: Any
    status: str
    """`succeeded`, `fell_back`, `failed`, `cancelled`, `skipped` or `abandoned`."""
    decided_by: str
    """`prices v2 with knobs 3, standing in for v6, which was broken`; empty where nothing decided."""
    error: str
    """Why the version that should have decided did not; empty where it did."""
    key: str
    related: Sequence[str] = ()
    """Ids of the executions that one first cause set off, this one among them."""
    plain: str = ""
    """The engine's own sentence."""


@dataclass(frozen=True)
class RunStory:
    """A module's sentence on an execution."""

    sentence: str
    """Plain text: who did what to whom, by what chance, and what decided it."""
    links: tuple[tuple[str, str], ...] = ()
    """(words, address) of the module's own pages that tell more, such as an entry of its log."""
