"""Topics: names with a schema, registered once; what is published on one is validated against it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any, Literal, get_args

import msgspec
from msgspec import inspect


class TopicError(ValueError):
    """A topic is unknown, defined twice, or its payload does not fit: the message says which and what to do."""


NOT_PLAIN = (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError)
"""Raised by converting a value that does not fit, holds half a character, is not plain data, or contains itself."""


SCHEDULED = "schedule"
"""Topic of the events that run one script by the clock: no module names it, and nobody can publish on it."""
Keep = Literal["all", "latest"]


@dataclass(frozen=True)
class Topic:
    """A kind of event. `schema` is a msgspec.Struct whose encoded field names are the payload's keys."""

    name: str
    schema: type[msgspec.Struct]
    description: str
    sensitive: frozenset[str] = field(default_factory=frozenset)
    """Keys of the payload, at any depth, whose values people never read: see `masking`."""
    example: dict[str, Any] = field(default_factory=dict)
    """A payload that fits, shown to designers."""
    keep: Keep = "all"
    """Which of the events of a key that wait have to run: `all`, or the `latest` alone, where each tells the whole state. The older
    ones are then recorded as superseded, and no script runs on them. Events without a key all run."""

    def __post_init__(self) -> None:
        if self.keep not in get_args(Keep):
            raise TopicError(f"{self.name}: keep is {self.keep!r}: it may be {' or '.join(get_args(Keep))}")

    def validate(self, payload: Any) -> dict[str, Any]:
        """The payload with defaults filled in, as plain data. Raises TopicError naming the field at fault."""
        try:
            event = msgspec.convert(payload, self.schema, strict=True)
            plain = msgspec.to_builtins(event, builtin_types=(bytes,))
        except NOT_PLAIN as error:
            raise TopicError(f"{self.name}: {str(error)[:500] or 'the payload is nested too deeply'}") from None
        assert isinstance(plain, dict)
        return plain

    @cached_property
    def depth(self) -> int | None:
        """How many containers inside one another a payload has at the most; None where the schema leaves that open, or keys may be no text."""
        return _depth(inspect.type_info(self.schema))

    def json_schema(self) -> dict[str, Any]:
        return msgspec.json.schema(self.schema)


def _depth(kind: inspect.Type, within: tuple[type, ...] = ()) -> int | None:
    match kind:
        case inspect.Metadata():
            return _depth(kind.type, within)
        case inspect.StructType() if kind.cls not in within:
            parts, within = [each.type for each in kind.fields], (*within, kind.cls)
        case inspect.DictType() if isinstance(kind.key_type, inspect.StrType):
            parts = [kind.value_type]
        case inspect.ListType():
            parts = [kind.item_type]
        case inspect.UnionType():
            return _deepest(kind.types, within)
        case (
            inspect.NoneType()
            | inspect.BoolType()
            | inspect.IntType()
            | inspect.FloatType()
            | inspect.StrType()
            | inspect.BytesType()
        ):
            return 0
        case _:
            return None
    deepest = _deepest(parts, within)
    return None if deepest is None else deepest + 1


def _deepest(kinds: Iterable[inspect.Type], within: tuple[type, ...]) -> int | None:
    depths = [_depth(kind, within) for kind in kinds]
    return None if None in depths else max((depth for depth in depths if depth is not None), default=0)


_sensitive = attrgetter("sensitive")


class TopicRegistry:
    """Every topic of the site by name. A second definition and an unknown name are refused."""

    def __init__(self) -> None:
        self._topics: dict[str, Topic] = {}
        self._sensitive: tuple[object, int, frozenset[str]] | None = None
        """The last answer of `sensitive`, with the topics that it is of and how many."""

    def register(self, topic: Topic) -> Topic:
        if topic.name in self._topics:
            raise TopicError(f"topic {topic.name} is defined twice: give one of the two another name")
        if topic.example:
            topic.validate(topic.example)
        self._topics[topic.name] = topic
        self._sensitive = None
        return topic

    def get(self, name: str) -> Topic:
        if not isinstance(name, str):
            raise TopicError(f"a topic is named by text, not by a value of type {type(name).__name__}")
        try:
            return self._topics[name]
        except KeyError:
            known = ", ".join(sorted(self._topics)) or "none"
            raise TopicError(f"there is no topic {name[:200]!r}: define it in its module (known: {known})") from None

    @property
    def sensitive(self) -> frozenset[str]:
        """Fields that any topic calls sensitive."""
        known, topics = self._sensitive, self._topics  # several times a run
        if known is None or known[0] is not topics or known[1] != len(topics):
            every = frozenset().union(*map(_sensitive, topics.values()))
            known = self._sensitive = (topics, len(topics), every)
        return known[2]

    def __iter__(self) -> Iterator[Topic]:
        return iter([self._topics[name] for name in sorted(self._topics)])

    def __contains__(self, name: str) -> bool:
        return name in self._topics


topics = TopicRegistry()
