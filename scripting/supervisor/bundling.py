"""Put a script and the helpers that it may import into one bundle, by a search in their texts."""

from __future__ import annotations

from collections.abc import Sequence

from scripting.sandbox.policy.imports import HELPER_MODULE
from scripting.types import Bundle, Source


def bundle_of(source: Source, available: Sequence[Source]) -> Bundle:
    """`source` with those of the available helpers that it may import."""
    return Bundle(source, _wanted(source, available), tuple(helper.name for helper in available))


def _wanted(source: Source, available: Sequence[Source]) -> tuple[Source, ...]:
    """The helpers that `source` may import, transitively: those whose name its text, or theirs, mentions.

    A text search without parsing (source is never parsed in a trusted process): it may take one too many, never one too few.
    """
    wanted: dict[str, Source] = {}
    texts = [source.text]
    while texts:
        text = texts.pop()
        if HELPER_MODULE not in text:
            continue
        for helper in available:
            if helper.name not in wanted and helper.name != source.name and helper.name.split("/")[1] in text:
                wanted[helper.name] = helper
                texts.append(helper.text)
    return tuple(wanted[name] for name in sorted(wanted))
