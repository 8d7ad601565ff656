"""Hide what a topic calls sensitive wherever people read it: one rule for values at any depth and for text.

Scripts see everything and records are whole, so that runs can be repeated; a mask is for pages, exports, stored text and logs.
Hidden are the values of sensitive keys, and copies of those values under other names. What a script computes from a value, such
as its length, cannot be known for a copy.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from scripting.models import Execution
from scripting.modules.topics import SCHEDULED, topics
from scripting.sandbox.protocol import ValueProblem

HIDDEN = "•••"
CUT = "…"
"""Stands where text was cut off."""
RAW = "message_payload"
"""The context variable that holds the payload as text."""
SHORTEST = 4
"""Characters from which a value is looked for inside other text; a shorter one would hide half of what is there."""


@dataclass(frozen=True)
class Mask:
    """Payload keys to hide. The empty mask hides nothing and costs nothing."""

    keys: frozenset[str] = frozenset()
    values: frozenset[Any] = frozenset()
    """Hidden where they stand alone."""
    texts: tuple[str, ...] = ()
    """Hidden inside other text, the longest first."""

    def value(self, value: Any) -> Any:
        """Plain data as people may read it."""
        if not self.keys:
            return value
        match value:
            case Mapping():
                return {self.value(k): HIDDEN if k in self.keys else self.value(v) for k, v in value.items()}
            case list() | tuple():
                return [self.value(item) for item in value]
            case str():
                return self.text(value)
        return HIDDEN if value in self.values else value

    def text(self, text: str) -> str:
        """Text as people may read it: a line of a log, an error's message."""
        if not self.keys:
            return text
        if text in self.values:
            return HIDDEN
        for secret in self.texts:
            text = text.replace(secret, HIDDEN)
        return _named(self.keys).sub(rf"\g<1>{HIDDEN}", text)

    def cut(self, text: str) -> str:
        """A value that is cut somewhere (…): a secret of which the end was cut off is hidden as well."""
        if not self.keys:
            return text
        if text[1:-1] in self.values:
            return HIDDEN
        *parts, rest = self.text(text).split(CUT)
        return CUT.join([*(self._without_beginning(part) for part in parts), rest])

    def _without_beginning(self, text: str) -> str:
        for secret in self.texts:
            for length in range(min(len(secret) - 1, len(text)), 0, -1):
                if text.endswith(secret[:length]):
                    return text[:-length] + HIDDEN
        return text


NOTHING = Mask()


def without_text(inputs: Any) -> Any:
    """The inputs of a run on an event without the payload's text, for people: they hold the payload itself."""
    if not isinstance(inputs, Mapping):
        return inputs
    left = dict(inputs)
    left.pop(RAW, None)
    return left


def mask_of_inputs(topic: str, inputs: Any) -> Mask:
    """For the inputs of a run. Without a topic they may hold a copy of any topic's event.

    Of a topic that is defined no longer nobody knows what was sensitive: the whole payload is hidden.
    """
    own = topics.get(topic).sensitive if topic in topics else topics.sensitive
    if _is_gone(topic):
        own |= _payload_keys(inputs)
    if not own:
        return NOTHING
    found = list(_leaves(inputs, own))
    texts = {spelling for leaf in found for spelling in _spellings(leaf) if len(spelling) >= SHORTEST}
    return Mask(
        own | {RAW},
        frozenset(leaf for leaf in found if isinstance(leaf, (str, bytes)) or len(str(leaf)) >= SHORTEST),
        tuple(sorted(texts, key=len, reverse=True)),
    )


def mask_of_run(topic: str, inputs: Any) -> Mask:
    """For what a script wrote: its result, log, error and calls may carry its inputs and any topic's payload."""
    every = topics.sensitive
    if not every and not _is_gone(topic):
        return NOTHING
    given = mask_of_inputs(topic, inputs)
    return replace(given, keys=given.keys | every | {RAW})


def masks_of(execution: Execution) -> tuple[Mask, Mask]:
    """For the inputs of a recorded execution, and for what its script wrote."""
    try:
        inputs = execution.inputs_value
    except ValueProblem:
        inputs = {}
    return mask_of_inputs(execution.topic, inputs), mask_of_run(execution.topic, inputs)


def _is_gone(topic: str) -> bool:
    """Whether events of this topic are of a time when a module defined it."""
    return topic not in topics and topic not in {"", SCHEDULED}


def _payload_keys(inputs: Any) -> frozenset[str]:
    """The fields of an event's payload, given by itself or inside the inputs of a run."""
    message = inputs.get("message") if isinstance(inputs, Mapping) else None
    payload = message.get("payload") if isinstance(message, Mapping) else inputs
    return frozenset(payload) if isinstance(payload, Mapping) else frozenset()


def _leaves(value: Any, keys: frozenset[str], *, within: bool = False) -> Iterator[Any]:
    """Values under the hidden keys, except values too common to be told apart; and the payload's text."""
    match value:
        case Mapping():
            for key, item in value.items():
                yield from _leaves(item, keys, within=within or key in keys or key == RAW)
        case list() | tuple():
            for item in value:
                yield from _leaves(item, keys, within=within)
        case bool() | None | "" | b"":
            pass
        case _ if within:
            yield value


def _spellings(leaf: Any) -> Iterator[str]:
    """How a value may be written inside text: as it is, in JSON, in Python."""
    match leaf:
        case str():
            yield from (leaf, json.dumps(leaf)[1:-1], json.dumps(leaf, ensure_ascii=False)[1:-1], repr(leaf)[1:-1])
        case bytes():
            yield from (repr(leaf), leaf.hex())
        case _:
            yield str(leaf)


@functools.lru_cache(maxsize=64)
def _named(keys: frozenset[str]) -> re.Pattern[str]:
    """One of the keys with its value, as JSON, Python and people write them: `"pin": 1`, `'pin': 'x'`, `pin=1`."""
    names = "|".join(sorted(map(re.escape, keys), key=len, reverse=True))
    quoted = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
    return re.compile(rf"""((?<!\w)(["']?)(?:{names})\2\s*[:=]\s*)(?:{quoted}|[^\s,;}}\])]+)""", re.DOTALL)
