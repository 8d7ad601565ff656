"""Spans of a run and of its commit."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from scripting.execution import recovery
from scripting.execution.decision import Decision
from scripting.execution.run import Run
from scripting.telemetry import spans


def decide(run: Run) -> Decision:
    """`recovery.decide`, inside a span where tracing is on: below that of its event or request."""
    if not spans.on():
        return recovery.decide(run)
    event, call = run.event, run.call
    values = {
        "goby.module": run.script.module,
        "goby.script": run.script.name,
        "goby.execution": call.execution_id,
        "goby.trigger": run.trigger,
    }
    if event is None:
        name, kind = f"run {run.script}", "internal"
    else:
        name, kind = f"process {event.topic}", "consumer"
        values |= spans.messaging("process", event.topic) | {"messaging.message.id": event.id}
    with spans.span(name, kind, parent=run.traceparent, attributes=values) as span:
        decision = recovery.decide(msgspec.structs.replace(run, traceparent=span.traceparent))
        version = decision.deciding.version if decision.deciding else None
        span.add(
            {
                "goby.status": decision.status,
                "goby.attempts": len(decision.attempts),
                "goby.version": version.info.number if version else None,
            }
        )
        if decision.attempts and (error := decision.attempts[0].outcome.error):
            span.add({"error.type": error.type.value})
            span.fail(run.mask.text(str(error)))
        return decision


def committed(decisions: Sequence[Decision], began_ns: int) -> None:
    """Record that each was committed, in one transaction with the others."""
    for decision in decisions:
        if decision.run.traceparent:
            values = {"goby.status": decision.status, "goby.batch": len(decisions)}
            spans.told("commit", decision.run.traceparent, began_ns, values)
