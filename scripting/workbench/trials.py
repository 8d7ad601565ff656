"""Trial runs: the text in the editor on chosen inputs, beside the active version on the same ones. Nothing is committed."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import redis

from scripting.engine import get_engine
from scripting.execution.admission import TooManyExecutions
from scripting.execution.running import ask_to_cancel, asked_to_cancel
from scripting.models import Script
from scripting.modules.installed import limits_for
from scripting.modules.masking import Mask, mask_of_run
from scripting.sandbox.protocol import decode_value
from scripting.supervisor.errors import SandboxUnavailable
from scripting.texts.escaping import visible
from scripting.texts.plain_json import jsonable
from scripting.types import HostCallRecord, ScriptError, ScriptInput, ScriptOutput
from scripting.workbench import inputs
from scripting.workbench.access import Refusal, known_language, text_in

MAX_SEED = 2**63
TRIALS = uuid.UUID("6f2d7b0e-52c1-4a3b-9d1c-0b5c1a5e7a11")
"""The name space of the ids of trials."""


@dataclass(frozen=True)
class Trial:
    """A text and the inputs to run it on."""

    script: Script
    source: str
    language: str
    context: dict[str, Any]
    seed: int
    clock_us: int | None
    topic: str = ""
    id: str = ""
    """The name that `cancel` uses; empty for a trial that cannot be cancelled."""

    @cached_property
    def mask(self) -> Mask:
        """For all that the page shows of it: its inputs may be those of an event that really happened."""
        return mask_of_run(self.topic, self.context)


def trial_of(script: Script, document: dict[str, Any], user: str) -> Trial:
    """The trial that the page of this user asks for. Raises Refusal."""
    source, language = text_in(document, "source"), known_language(text_in(document, "language"))
    seed = seed_of(document.get("seed"))
    given = document.get("execution")
    if given:
        execution = inputs.execution_of(script, str(given))
        if seed is None and execution.seed is not None:
            seed = execution.seed
        context, clock, topic = execution.inputs_value, execution.clock_us, execution.topic
    else:
        chosen = inputs.source_of(script, text_in(document, "input", ""))
        context, clock = inputs.context_for(script, chosen, document.get("payload", {})), None
        topic = chosen.topic.name if chosen.topic else ""
    seed = secrets.randbits(31) if seed is None else seed
    return Trial(script, source, language, context, seed, clock, topic, id_of(user, text_in(document, "trial", "")))


def id_of(user: str, given: str) -> str:
    """The id of a trial that the user's page gave this name. No name of anybody makes the id of another's trial, or of a real run."""
    return str(uuid.uuid5(TRIALS, f"{user}\n{given}")) if given else ""


def cancel(user: str, given: str) -> None:
    """Kill the process of the user's trial of this name, wherever it runs, and let a sample go no further."""
    found = id_of(user, given)
    try:
        ask_to_cancel(found)
        get_engine().cancel(found)
    except redis.RedisError:
        raise Refusal(503, "unavailable", "Redis does not answer: the trial ends at its time limit.") from None


def is_cancelled(trial: Trial) -> bool:
    """Whether it was cancelled between two of its runs."""
    try:
        return bool(trial.id) and asked_to_cancel(trial.id)
    except redis.RedisError:
        return False


def seed_of(given: Any) -> int | None:
    """A seed from the page's field, None when it is empty. Raises Refusal."""
    if given is None or given == "":
        return None
    text = str(given).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) < MAX_SEED):
        raise Refusal(
            422, "inputs", "A seed is a whole number from 0 up to 2⁶³; leave it empty for a new one each time."
        )
    return int(text)


def run(trial: Trial, *, compare: bool) -> dict[str, Any]:
    """The outcome of the text; with `compare` that of the active version too, on the same inputs, seed and clock."""
    mine = outcome(trial, trial.source, trial.language)
    active = trial.script.active_version
    theirs = None
    if compare and active is not None and mine.status != "cancelled" and not is_cancelled(trial):
        # The first run drew the clock where none was given: the second takes the same.
        same = replace(trial, clock_us=mine.clock_us)
        theirs = outcome(same, active.text, active.language)
    return {
        "trial": described(mine, trial.mask),
        "active": described(theirs, trial.mask, active.number) if theirs and active else None,
    }


def outcome(trial: Trial, source: str, language: str) -> ScriptOutput:
    """Run one text. Raises Refusal when no sandbox can be had."""
    limits = limits_for(trial.script.module, **trial.script.limit_changes())
    try:
        return get_engine().execute_source(
            source,
            language,
            input=ScriptInput(trial.context, trial.seed, trial.clock_us),
            limits=limits,
            module_name=trial.script.module,
            name=trial.script.name,
            execution_id=trial.id or None,
        )
    except TooManyExecutions as error:
        raise Refusal(503, "busy", str(error)) from None
    except SandboxUnavailable as error:
        raise Refusal(503, "unavailable", f"No sandbox could be started: {error}") from None


def described(output: ScriptOutput, mask: Mask, number: int | None = None) -> dict[str, Any]:
    """An outcome as the page shows it: masked, and every text in it shown as text."""
    metrics = output.metrics
    return {
        "version": number,
        "status": output.status,
        "result": jsonable(mask.value(output.result)),
        "logs": [visible(mask.text(line)) for line in output.logs],
        "log_us": list(output.log_us),
        "log_truncated": output.log_truncated,
        "error": error_of(output.error, mask),
        "seed": str(output.seed) if output.seed is not None else None,
        "clock_us": output.clock_us,
        "calls": [call_of(call, mask) for call in output.host_calls],
        "metrics": {
            "compile_us": metrics.compile_us,
            "wall_us": metrics.wall_us,
            "cpu_us": metrics.cpu_us,
            "memory_bytes": metrics.memory_bytes,
            "host_us": metrics.host_us,
        },
    }


def error_of(error: ScriptError | None, mask: Mask) -> dict[str, Any] | None:
    if error is None:
        return None
    return {
        "type": error.type.value,
        "message": visible(mask.text(error.message)),
        "line": error.line,
        "column": error.column,
        "script": error.script,
        "excerpt": visible(error.excerpt),
        "hint": visible(error.hint),
    }


def call_of(call: HostCallRecord, mask: Mask) -> dict[str, Any]:
    """A host call: what was asked, and what was answered; an effect is only listed."""
    positional, named = decode_value(call.arguments)
    return {
        "name": call.name,
        "kind": call.kind,
        "arguments": jsonable(mask.value(positional)),
        "named": jsonable(mask.value(named)),
        "answer": None if call.answer is None else jsonable(mask.value(decode_value(call.answer))),
        "error": visible(mask.text(call.error)),
    }
