"""Game modules: what a module offers to its scripts, which scripts it runs on what, and how outcomes change the game."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import msgspec

from scripting.conf import fallbacks_problem
from scripting.modules.calls import ArgumentsRefused, CallContext, EffectRefused, Outcome, WorkAhead
from scripting.modules.simulation import Decide
from scripting.modules.topics import Topic
from scripting.sandbox.protocol import Parameter, decode_value
from scripting.types import Playback, RecordedRun, RunStory, SimulatedPlay

FunctionKind = Literal["pure", "read", "effect"]

DEFAULT_HEADERS = ("Accept", "Accept-Language", "Content-Type", "User-Agent", "X-Request-ID")
SECRET_HEADERS = frozenset({"cookie", "authorization", "proxy-authorization", "x-csrftoken", "x-csrf-token"})


@dataclass(frozen=True)
class ModuleSchedule:
    """Times at which a module publishes an event or runs a script, as its code says. People may change it, and pause it."""

    name: str
    """[a-z][a-z0-9_]{0,63}; the record's name is `<module>/<name>`."""
    cron: str = ""
    """Minute, hour, day of the month, month, day of the week: `0 9 * * 1-5`."""
    seconds: int = 0
    """An interval in place of that."""
    zone: str = "UTC"
    topic: str = ""
    """The event to publish."""
    script: str = ""
    """The script of the module to run in place of that."""
    payload: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    missed: Literal["once", "all", "skip"] = "once"
    most: int = 10
    overlap: Literal["skip", "queue"] = "skip"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", self.name):
            raise ValueError(f"schedule {self.name!r}: a name has a-z, 0-9 and _, a letter first")
        if bool(self.cron) == bool(self.seconds) or bool(self.topic) == bool(self.script):
            raise ValueError(f"schedule {self.name}: give cron or seconds, and topic or script")


@dataclass(frozen=True)
class ModuleScriptConfig:
    """Which scripts a module runs, and on what."""

    message_handlers: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    """Topic name → the script that runs on it, or several in their order. People change it on the topic's page."""
    first_decides: Collection[str] = ()
    """Topics on which the first of the module's scripts that answers decides: the next ones run only while results are None."""
    endpoint_scripts: Mapping[str, str] = field(default_factory=dict)
    """Path below the module's address, such as `/debug/roll` → script name."""
    endpoint_examples: Mapping[str, Any] = field(default_factory=dict)
    """Path of an endpoint → a body that fits it, shown to designers."""
    endpoint_bodies: Mapping[str, type[msgspec.Struct]] = field(default_factory=dict)
    """Path → schema of its body, for endpoints that have one: a request that does not fit never reaches the script."""
    endpoint_queries: Mapping[str, type[msgspec.Struct]] = field(default_factory=dict)
    """Path → schema of its query, likewise."""
    schedules: Sequence[ModuleSchedule] = ()
    """Times at which events are published or scripts run."""
    limits: Mapping[str, Any] = field(default_factory=dict)
    """Fields of SecurityLimits that differ from the site's."""
    fallback: tuple[str, ...] | None = None
    """Fallbacks of a script whose active version fails, in order: "previous", "default". None: as the site configures."""
    share: float = 1.0
    """Of the workers' time, while events of other modules wait too: 2 has twice as much as 1."""
    auto_extract: bool = False
    """Write the embedded defaults to scripts/<module>/ at sync."""
    headers: tuple[str, ...] = DEFAULT_HEADERS
    """Request headers that endpoint scripts may see. Cookie, Authorization and CSRF values never are."""

    def __post_init__(self) -> None:
        secret = sorted(name for name in self.headers if name.lower() in SECRET_HEADERS)
        if secret:
            raise ValueError(f"headers: {', '.join(secret)} must not reach a script")
        for name, schemas in (("endpoint_bodies", self.endpoint_bodies), ("endpoint_queries", self.endpoint_queries)):
            if unknown := sorted(schemas.keys() - self.endpoint_scripts.keys()):
                raise ValueError(f"{name}: {', '.join(unknown)} is in no endpoint_scripts: correct the path")
        if not 0.001 <= self.share <= 1000:
            raise ValueError(f"share: must be between 0.001 and 1000, not {self.share!r}")
        if self.fallback is not None and (wrong := fallbacks_problem(self.fallback)):
            raise ValueError(f"fallback: {wrong}")

    def topics_of(self, script: str) -> list[str]:
        """The topics whose messages the script handles, unless people subscribed it otherwise."""
        return [topic for topic in self.message_handlers if script in self.handlers_of(topic)]

    def handlers_of(self, topic: str) -> tuple[str, ...]:
        """The scripts that run on the topic, in their order, unless people subscribed others."""
        found = self.message_handlers.get(topic, ())
        return (found,) if isinstance(found, str) else tuple(found)

    def scripts(self) -> set[str]:
        """Every script that it names."""
        handled = {script for topic in self.message_handlers for script in self.handlers_of(topic)}
        return handled | set(self.endpoint_scripts.values())

    def endpoints_of(self, script: str) -> list[str]:
        """The paths that the script answers."""
        return [path for path, name in self.endpoint_scripts.items() if name == script]


@dataclass(frozen=True)
class ModulePage:
    """A page of the module's own that the menus lead to."""

    title: str
    view: str
    """Name of its URL."""


@dataclass(frozen=True)
class ExposedFunction:
    """A method of a module that scripts may call."""

    name: str
    kind: FunctionKind
    method: Callable[..., Any]
    """Takes the CallContext, then the arguments by name."""
    parameters: Mapping[str, Any]
    signature: str
    doc: str
    _signature: inspect.Signature

    @property
    def taken(self) -> tuple[Parameter, ...]:
        """Its parameters as a check is told of them."""
        return tuple(
            Parameter(one.name, one.kind.name, one.default is one.empty) for one in self._signature.parameters.values()
        )

    def bind(self, arguments: bytes) -> dict[str, Any]:
        """Arguments by name from the frame's bytes, checked against the annotations.

        Raises ArgumentsRefused with a message for the script's author.
        """
        args, kwargs = decode_value(arguments)
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentsRefused(f"{self.name}{self.signature}: {error}") from None
        bound.apply_defaults()
        for name, value in bound.arguments.items():
            try:
                bound.arguments[name] = msgspec.convert(value, self.parameters[name], strict=True)
            except msgspec.ValidationError as error:
                raise ArgumentsRefused(f"{self.name}(): {in_words(name, error)}", value) from None
        return dict(bound.arguments)

    def call(self, context: CallContext, arguments: Mapping[str, Any]) -> Any:
        return self.method(context, **arguments)


_MISFIT = re.compile(r"Expected `(.+?)`, got `(.+?)`(?: - at `\$(.*)`)?")
_WORDS = {"null": "None", "object": "dict", "array": "list"}


def in_words(name: str, error: Exception) -> str:
    """Say in a script's words why an argument does not fit: the library speaks of JSON."""
    found = _MISFIT.fullmatch(str(error))
    if found is None:
        return f"{name}: {str(error).replace('`$', '`' + name)}"
    wanted, given, path = found.groups()
    kinds = " or ".join(_WORDS.get(kind, kind) for kind in wanted.split(" | "))
    return f"{name}{path or ''} must be {kinds}, not {_WORDS.get(given, given)}"


def exposed(*, kind: FunctionKind) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Offer a method of a ScriptableModule to the module's scripts.

    `pure`: depends on its arguments alone. `read`: may look at the game's state, changes nothing. `effect`: a command; it is
    held until the run has succeeded, then carried out in the transaction that records the execution, so it answers None.
    """

    def mark(method: Callable[..., Any]) -> Callable[..., Any]:
        method.__exposed_kind__ = kind  # type: ignore[attr-defined]
        return method

    return mark


class ScriptableModule:
    """A game module whose behaviour lives in scripts. Subclass it and `register` an instance in the app's `ready()`."""

    name: ClassVar[str]
    """[a-z][a-z0-9_]{0,63}; also the folder below scripts/."""
    package: ClassVar[str]
    """Python package whose `scripts/` folder holds the embedded defaults."""
    config: ClassVar[ModuleScriptConfig] = ModuleScriptConfig()
    topics: ClassVar[Sequence[Topic]] = ()
    key_name: ClassVar[str] = "key"
    """The noun for an ordering key of its events, such as `match`: pages say "match 5"."""
    results: ClassVar[Mapping[str, type[Any]]] = {}
    """Script name → schema of its result (a `msgspec.Struct`, or any type), for those that have one."""
    live_page: ClassVar[ModulePage | None] = None
    """Where people see what the scripts do."""
    more_pages: ClassVar[Sequence[ModulePage]] = ()
    """Further pages that the workbench leads to beside that one."""

    segment_name: ClassVar[str] = "segment"
    """The noun for a segment, such as `league`: pages say "Only for a league"."""
    segments: ClassVar[Sequence[str]] = ()
    """The segments there are, where that is known: pages offer them, and others are refused."""
    play_noun: ClassVar[str] = "play"
    """The noun for a unit of its play that `simulate` plays, such as `evening`: pages say "Play 200 evenings"."""
    play_measures: ClassVar[Mapping[str, str]] = {}
    """Name of a measure of a simulated play → what pages call it: `{"guests_fed": "guests fed"}`."""
    play_shares: ClassVar[Collection[str]] = ()
    """The measures that are 0 or 1 in one play, such as a win: pages show their mean in percent."""
    permissions: ClassVar[Mapping[str, Sequence[str]]] = {}
    """The module's own permissions for the roles `viewer` and `designer`, beside looking: `{"designer": ("game.play",)}`."""

    def __init__(self) -> None:
        self.functions: dict[str, ExposedFunction] = {f.name: f for f in self._exposed_functions()}

    def _exposed_functions(self) -> Iterator[ExposedFunction]:
        for name, method in inspect.getmembers(self, callable):
            kind = getattr(method, "__exposed_kind__", None)
            if kind is None:
                continue
            hints = typing.get_type_hints(method, include_extras=True)
            signature = inspect.signature(method)
            parameters = list(signature.parameters.values())[1:]  # the CallContext is ours
            missing = [p.name for p in parameters if p.name not in hints]
            if missing:
                raise TypeError(
                    f"{type(self).__name__}.{name}: annotate {', '.join(missing)}; scripts' arguments are checked"
                )
            public = signature.replace(parameters=parameters)
            yield ExposedFunction(
                name,
                kind,
                method,
                {p.name: hints[p.name] for p in parameters},
                str(public),
                inspect.getdoc(method) or "",
                public,
            )

    def built_in(self, context: CallContext, inputs: Mapping[str, Any]) -> Any:
        """The module's own rule for `context.script`, used when its script fails or is disabled.

        Raises NotImplementedError when the module has none; the execution then ends `failed`.
        """
        raise NotImplementedError

    def applies(self, context: CallContext) -> bool:
        """Whether `apply` does anything for this script and topic; False saves every such event the call."""
        return True

    def demand_admissible(self, context: CallContext, result: Any) -> None:
        """Raise EffectRefused for a result that fits not its schema, or that `validate` refuses.

        The one door of all results: `apply`, trials, samples, replays, cases and gates ask here.
        """
        schema = self.results.get(context.script)
        if schema is not None:
            try:
                msgspec.convert(result, schema, strict=True)
            except msgspec.ValidationError as error:
                raise EffectRefused(f"the {in_words('result', error)}") from None
        self.validate(context, result)

    def validate(self, context: CallContext, result: Any) -> None:
        """Raise EffectRefused for a result that `apply` would not admit, whatever the state of the game.

        It changes and reads nothing: trials, samples and replays ask it too, and `apply` is called only with what passed.
        """

    def apply(self, outcome: Outcome) -> None:
        """Change the game as the outcome says, inside the transaction that records it. Raises EffectRefused."""

    def unit_of_work(self, calls: Sequence[CallContext]) -> AbstractContextManager[Any]:
        """Enclose the effects and outcomes of one commit: a batch of events, or a single one.

        It is entered inside the transaction, before the first of `calls` is carried out: read here once what they need. Effects
        and `apply` find what it yields as `context.unit_of_work`. It is left after the last one: write here what they changed. An
        exception leaves it where nothing of this is kept: then write nothing. After a refusal each outcome gets one of its own.
        """
        return nullcontext()

    def unit_of_work_ahead(self, calls: Sequence[CallContext]) -> WorkAhead | None:
        """The same before the transaction begins, of what this process still knows, so that no other writer waits for effects and `apply`.

        They find it as `context.unit_of_work`, and must read and change nothing else: no row, no signal. Its `write` is called inside the
        transaction. Whatever raises OutOfDate, or None, which is the default, has all done with `unit_of_work` instead.
        """
        return None

    def event_in_words(self, topic: str, payload: Mapping[str, Any]) -> str:
        """One event as people speak of it: who, whom, where and when, in a line. Empty where the module has no words for it.

        People choose recorded events by it. `topic` is the path of the endpoint for a request; the payload may be of a
        schema of earlier times, and what its topic hides is hidden in it.
        """
        return ""

    def story(self, run: RecordedRun) -> RunStory:
        """Tell in one sentence what a recorded execution decided, with links to the module's own pages about it.

        Pages of executions show it; without one of the module's own, the engine's plain sentence. The run may be of earlier
        times: its payload may lack anything, or be gone.
        """
        return RunStory(run.plain)

    @property
    def has_segments(self) -> bool:
        """Whether the module divides its ordering keys into segments."""
        return type(self).segment is not ScriptableModule.segment

    def segment(self, key: str) -> str | None:
        """The segment of an ordering key (a league, a map), for values of knobs that hold there alone; None: to nothing.

        It is asked for each event of a script that has such values, and must say the same of a key always.
        """
        return None

    @property
    def simulates(self) -> bool:
        """Whether the module offers a simulation of its play."""
        return type(self).simulate is not ScriptableModule.simulate

    def simulate(self, decide: Decide, seed: int) -> SimulatedPlay:
        """Play one unit of the module's play (a match, an evening) from start to end in memory.

        It reads and writes no database, and asks `decide` wherever the live module runs a script. The same seed and the
        same decisions give the same play, and the same log as a live play with that seed. `scripting.bus.Rehearsal` is
        the bus of such a play. Raises NotImplementedError where the module offers none: ask `simulates` first.
        """
        raise NotImplementedError(f"{self.name} offers no simulation")

    def playback(self, play: SimulatedPlay) -> Playback | None:
        """How to show a simulated play step by step: a template for a part of the page. None: by its log alone."""
        return None

    def on_script_changed(self, script: str, digest: str) -> None:
        """Called in each running process once it has taken another version of one of this module's scripts."""
