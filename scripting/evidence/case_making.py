"""Make a case of a run: what it was given, as people may read it, and what to expect of the next text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scripting.bus.events import Event
from scripting.execution.comparison import equal
from scripting.modules.masking import Mask
from scripting.modules.scriptable import ScriptableModule
from scripting.runtime.host_calls import call_of
from scripting.sandbox.protocol import decode_value
from scripting.texts.case_text import CaseText, Happening, Read
from scripting.types import HostCallRecord

OWN = ("key", "depth", "event_id", "cause", "request_id")
"""Metadata that the bus itself writes."""


def case_of_run(
    variables: Mapping[str, Any],
    module: ScriptableModule | None,
    reads: Iterable[HostCallRecord],
    *,
    seed: int,
    clock_us: int,
    mask: Mask,
    reads_mask: Mask,
    note: str = "",
) -> CaseText:
    """A case without expectations. What topics hide is hidden in it too, since cases are files that people share.

    `mask` is that of the inputs, `reads_mask` that of what the run saw besides.
    """
    event = _event(variables)
    answers = [_read(record, module, reads_mask) for record in reads if record.kind == "read"]
    once = [read for at, read in enumerate(answers) if read not in answers[:at]]
    if event is None:
        return CaseText(inputs=dict(mask.value(variables)), reads=once, seed=seed, clock_us=clock_us, note=note)
    happening = Happening(
        topic=event.topic,
        payload=mask.value(event.payload),
        key=event.key,
        user_id=event.user_id,
        metadata=mask.value(event.metadata),
        depth=event.depth,
        id=event.id,
        cause=event.cause,
        request_id=event.request_id,
        published_us=event.published_us,
    )
    return CaseText(event=happening, reads=once, seed=seed, clock_us=clock_us, note=note)


def _event(variables: Mapping[str, Any]) -> Event | None:
    """The event that brings exactly these context variables; None where they are of none."""
    message, module = variables.get("message"), variables.get("module")
    if not isinstance(message, Mapping) or not isinstance(module, str):
        return None
    metadata = message.get("metadata")
    try:
        event = Event(
            id=variables["event_id"],
            topic=message["topic"],
            payload=dict(message["payload"]),
            subscribers=[],
            key=metadata["key"],  # type: ignore[index]
            user_id=message["user_id"],
            metadata={name: value for name, value in metadata.items() if name not in OWN},  # type: ignore[union-attr]
            depth=metadata["depth"],  # type: ignore[index]
            cause=metadata.get("cause", ""),  # type: ignore[union-attr]
            request_id=metadata.get("request_id", ""),  # type: ignore[union-attr]
            published_us=variables["timestamp"] * 1_000_000,
        )
        return event if equal(event.script_context(module), variables) else None
    except (KeyError, TypeError, AttributeError, ValueError):
        return None


def _read(record: HostCallRecord, module: ScriptableModule | None, mask: Mask) -> Read:
    arguments = dict(mask.value(call_of(record, module).arguments)) if record.arguments else None
    answer = None if record.answer is None else mask.value(decode_value(record.answer))
    return Read(function=record.name, arguments=arguments, answer=answer, error=mask.text(record.error))
