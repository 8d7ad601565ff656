"""Traces as pages and the API show them: masked, every text in it shown as text, with the texts that they are of."""

from __future__ import annotations

from typing import Any

from scripting.modules.masking import HIDDEN, Mask
from scripting.sandbox.protocol import Step, Trace
from scripting.texts.escaping import visible
from scripting.types import Bundle

STOPPED = {
    "steps": "Values stop here: the run did more than can be followed.",
    "depth": "Values stop where calls were nested too deep to be followed.",
    "time": "The run was stopped: these are the values until then.",
    "memory": "Values stop where memory ran short.",
    "fault": "Values stop where they could not be followed.",
}
"""Why a trace does not reach to the end of its run."""


def described(trace: Trace, bundle: Bundle, mask: Mask, *, with_script: bool = False) -> dict[str, Any]:
    """Texts with their lines, and the steps; a step is `[text, line, turn, kind, [[name, value], …]]`.

    A helper comes with its text, if a line of it ran; the script's own is mostly where the trace was asked for.
    """
    sources = {source.name: source.text for source in bundle.helpers}
    if with_script:
        sources[bundle.script.name] = bundle.script.text
    return {
        "texts": [
            {
                "name": text.name,
                "source": _source(sources.get(text.name)) if any(count for _, count in text.counts) else None,
                "counts": text.counts,
                "idle": text.idle,
                "blocks": text.blocks,
            }
            for text in trace.texts
        ],
        "first": [_step(step, mask) for step in trace.first],
        "dropped": trace.dropped,
        "latest": [_step(step, mask) for step in trace.latest],
        "last": [_step(step, mask) for step in trace.last],
        "stopped": STOPPED.get(trace.stopped, ""),
    }


def _source(text: str | None) -> str | None:
    return None if text is None else visible(text.replace("\r\n", "\n"))


def _step(step: Step, mask: Mask) -> list[Any]:
    return [step.text, step.line, step.turn, step.kind, [_value(name, value, mask) for name, value in step.values]]


def _value(name: str, value: str, mask: Mask) -> list[str]:
    """A name and its value. A sensitive key hides its value here too: `pin` as well as `unit['pin']`."""
    shown = mask.cut(value)
    if mask.keys and any(part in mask.keys for part in _parts(name)):
        shown = HIDDEN
    return [visible(mask.text(name)), visible(shown)]


def _parts(name: str) -> list[str]:
    return name.replace("[", ".").replace("]", "").replace("'", "").split(".")
