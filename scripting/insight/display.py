"""How pages show values, script text and durations: always escaped, with nothing in them that could deceive."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from scripting.modules.masking import NOTHING, Mask
from scripting.texts.escaping import visible
from scripting.texts.plain_json import readable

MAX_SHOWN = 20_000
"""Characters of one value that a page shows; the whole stays in the record."""

STATUS_COLOURS = {
    "succeeded": "success",
    "fell_back": "warning",
    "failed": "danger",
    "abandoned": "danger",
    "cancelled": "info",
    "skipped": "info",
}


# -- script text -------------------------------------------------------------------------------------------------------


def code_block(content: bytes, diagnostics: Iterable[Mapping[str, Any]] = ()) -> SafeString:
    """A script's text with line numbers, what its check found below the lines, and control characters marked as such."""
    found: dict[int, list[Mapping[str, Any]]] = {}
    for diagnostic in diagnostics:
        found.setdefault(int(diagnostic.get("line") or 1), []).append(diagnostic)
    lines = content.decode("utf-8", "backslashreplace").split("\n")
    rows = [_code_row(number, line, found.get(number, ())) for number, line in enumerate(lines, 1)]
    # The lines hold their own markup, escaped below.
    return format_html(
        '<div class="goby-code" tabindex="0" role="region" aria-label="Source"><ol>{}</ol></div>', _joined(rows)
    )


def _code_row(number: int, line: str, diagnostics: Sequence[Mapping[str, Any]]) -> SafeString:
    notes = format_html_join(
        "",
        '<div class="goby-note goby-{}"><b>{}:{}</b> {}: {}{}</div>',
        (
            (
                "error" if d.get("severity") == "error" else "warning",
                number,
                d.get("column") or 1,
                "will fail" if d.get("certain") else d.get("type", ""),
                visible(str(d.get("message", ""))),
                f" — {visible(str(d['hint']))}" if d.get("hint") else "",
            )
            for d in diagnostics
        ),
    )
    marked = "goby-line-error" if any(d.get("severity") == "error" for d in diagnostics) else ""
    return format_html(
        '<li id="L{0}" class="{1}" data-line="{0}"><code>{2}</code>{3}</li>', number, marked, marked_line(line), notes
    )


def marked_line(line: str) -> SafeString:
    """One line of untrusted text, escaped; each character that would act or hide instead of showing is marked."""
    line = line.removesuffix("\r")
    if visible(line) == line:
        return SafeString(escape(line))
    return _joined(
        escape(character)
        if visible(character) == character
        else format_html(
            '<mark class="goby-control" title="a character that does not show">{}</mark>', visible(character)
        )
        for character in line
    )


def _joined(parts: Iterable[str]) -> SafeString:
    return mark_safe("".join(parts))  # noqa: S308 - every part was escaped by the caller


# -- values ------------------------------------------------------------------------------------------------------------


def pretty(value: Any, mask: Mask = NOTHING) -> str:
    """Plain data as indented JSON text, masked and fit to show."""
    try:
        text = json.dumps(readable(mask.value(value)), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return "(cannot be shown)"
    text = visible(text)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}\n… {len(text) - MAX_SHOWN} characters more"


# -- figures -----------------------------------------------------------------------------------------------------------


def milliseconds(microseconds: int | None) -> str:
    if microseconds is None:
        return "—"
    if microseconds < 1000:
        return f"{microseconds} µs"
    return f"{microseconds / 1000:.1f} ms" if microseconds < 1_000_000 else f"{microseconds / 1e6:.2f} s"


def size(count: int | None) -> str:
    if count is None:
        return "—"
    if count < 1024:
        return f"{count} bytes"
    return f"{count / 1024:.0f} KiB" if count < 1 << 20 else f"{count / (1 << 20):.1f} MiB"


def limits(of: Any) -> str:
    """Limits of a script, a record of its history or a SecurityLimits, in words; where both are empty, the module's hold."""
    seconds, count = of.max_execution_time, of.max_memory_bytes
    own = ([] if seconds is None else [f"{seconds:g} s"]) + ([] if count is None else [size(count)])
    return ", ".join(own) or "the module's"


def memory(count: int, error_type: str = "") -> str:
    """The memory of a run, in words. It is measured to 256 KiB, and not at all where a run was killed for its time."""
    if not count and error_type == "timeout":
        return "not measured"
    return "< 256 KiB" if count < 256 << 10 else size(count)


def badge(text: str, colour: str = "") -> SafeString:
    """A small label. Colours: success, warning, danger, info, or none."""
    return format_html('<span class="goby-badge goby-badge-{}">{}</span>', colour or "plain", text)


def status_badge(status: str) -> SafeString:
    return badge(status.replace("_", " "), STATUS_COLOURS.get(status, ""))
