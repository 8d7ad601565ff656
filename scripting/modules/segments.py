"""Segments: which values of knobs an event gets, by its ordering key or by what the module says that key belongs to."""

from __future__ import annotations

from collections.abc import Callable

from scripting.modules.installed import modules
from scripting.types import Bundle

KEY, SEGMENT = "key", "segment"
"""Kinds of selectors: `key 17`, `segment tournament`."""


def bundle_for_key(bundle: Bundle, module: str, key: str, segment: str = "") -> Bundle:
    """The bundle as it runs for an event of this ordering key; `segment` where that is known already."""
    return bundle.of_segment(fitting(module, key, segment)) if bundle.is_split else bundle


def fitting(module: str, key: str, known: str = "") -> Callable[[str], bool]:
    """Whether a selector fits the events of a key. The module is asked once, and only where a selector names a segment."""
    found = modules.get(module)
    segment: list[str | None] = [known] if known else []

    def fits(selector: str) -> bool:
        kind, _, name = selector.partition(" ")
        if not key:
            return False
        if kind == KEY:
            return name == key
        if not segment:
            segment.append(found.segment(key) if found else None)
        return name == segment[0]

    return fits


def problem_of(module: str, selector: str) -> str:
    """Why there can be no values for this selector; empty where there can."""
    kind, _, name = selector.partition(" ")
    if kind not in (KEY, SEGMENT) or not name.strip() or len(name) > 128 or not name.isprintable():
        return "names neither a key nor a segment"
    if kind == KEY:
        return ""
    found = modules.get(module)
    if found is None or not found.has_segments:
        return f"is of no segment: the module {module} has none"
    if found.segments and name not in found.segments:
        return f"is no segment of the module {module} (it has: {', '.join(found.segments)})"
    return ""
