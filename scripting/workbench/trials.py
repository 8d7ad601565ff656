"""Trial runs: the text in the editor on chosen inputs, beside the active version on the same ones. Nothing is committed."""

from __future__ import annotations

import logging
import secrets
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import redis
from django.db import Error as DatabaseFault
from msgspec import structs

from scripting.engine import get_engine
from scripting.evidence.decide import would_refuse
from scripting.execution import traces
from scripting.execution.admission import TooManyExecutions
from scripting.execution.comparison import DECIDING, Compared, compared, differing
from scripting.execution.run import on_inputs
from scripting.execution.running import ask_to_cancel, asked_to_cancel
from scripting.models import Script
from scripting.modules.calls import CallContext
from scripting.modules.installed import limits_for, modules
from scripting.modules.masking import Mask, mask_of_run
from scripting.modules.scriptable import ScriptableModule
from scripting.registry.bundles import bundle_for
from scripting.supervisor.errors import SandboxUnavailable
from scripting.texts.escaping import one_line
from scripting.types import HostCallRecord, ScriptInput, ScriptOutput, Source
from scripting.workbench import inputs, recorded
from scripting.workbench.access import Refusal, known_language, text_in
from scripting.workbench.outcomes import beside, described

logger = logging.getLogger(__name__)

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
    recording: Sequence[HostCallRecord] | None = None
    """Host calls of the execution whose inputs these are, which answer this one's; None: functions look at the game as it is now."""
    traces: bool = False
    """Tell line by line what the text does."""

    @property
    def module(self) -> ScriptableModule | None:
        return modules.get(self.script.module)

    @property
    def call(self) -> CallContext:
        """On whose behalf it runs, as the module is asked whether it would admit the result."""
        call = CallContext(self.script.module, self.script.name, self.id, trial=True)
        return structs.replace(on_inputs(call, self.context), topic=self.topic)

    @cached_property
    def mask(self) -> Mask:
        """For all that the page shows of it: its inputs may be those of an event that really happened."""
        return mask_of_run(self.topic, self.context)


def trial_of(script: Script, document: dict[str, Any], user: str) -> Trial:
    """The trial that the page of this user asks for. Raises Refusal."""
    source, language = text_in(document, "source"), known_language(text_in(document, "language"))
    seed = seed_of(document.get("seed"))
    given = document.get("execution")
    recording = None
    if given:
        execution = recorded.execution_of(script, str(given))
        if seed is None and execution.seed is not None:
            seed = execution.seed
        own = "payload" in document
        context = recorded.changed(script, execution, document["payload"]) if own else execution.inputs_value
        clock, topic = execution.clock_us, execution.topic
        if document.get("reads") != "now":
            recording = recorded.recording_of(execution)
    else:
        chosen = inputs.source_of(script, text_in(document, "input", ""))
        context, clock = inputs.context_for(script, chosen, document.get("payload", {})), None
        topic = chosen.topic.name if chosen.topic else ""
    seed = secrets.randbits(31) if seed is None else seed
    name = id_of(user, text_in(document, "trial", ""))
    return Trial(
        script, source, language, context, seed, clock, topic, name, recording, traces=document.get("values") is True
    )


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
    return bool(trial.id) and is_stopped(trial.id)


def is_stopped(found: str) -> bool:
    """Whether the trial, or the work of a page, with this id was asked to stop."""
    try:
        return asked_to_cancel(found)
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


@contextmanager
def told_whose_fault(trial: Trial) -> Iterator[None]:
    """Around a trial: where the game's code or ours raises, the log has the place, and who tries the text is told that it is not the text's fault.

    Raises Refusal, and what the site has an answer of its own for: an unavailable database or Redis.
    """
    try:
        yield
    except (Refusal, DatabaseFault, redis.RedisError):
        raise
    except Exception as error:
        logger.exception("a trial of %s failed by no fault of its text", trial.script)
        said = one_line(trial.mask.text(f"{type(error).__name__}: {error}"))
        message = f"The code of {trial.script.module}, or this server, failed, which is no fault of the text: {said}. Its developers find the place in the server's log."
        raise Refusal(500, "broken", message) from None


def run(trial: Trial, *, compare: bool) -> dict[str, Any]:
    """The outcome of the text; with `compare` that of the active version too, on the same inputs, seed and clock."""
    mine = outcome(trial, trial.source, trial.language)
    active = trial.script.active_version
    theirs = None
    if compare and active is not None and mine.status != "cancelled" and not is_cancelled(trial):
        # The first run drew the clock where none was given: the second takes the same.
        same = replace(trial, clock_us=mine.clock_us, traces=False)
        theirs = outcome(same, active.text, active.language)
    seen = compared(mine, trial.module)
    other = compared(theirs, trial.module) if theirs else None
    left, other_left = mine.left_recording, theirs.left_recording if theirs else ""
    refusal = "" if seen.error else would_refuse(trial.module, trial.call, seen.result)
    return {
        "trial": described(mine, seen, trial.mask) | {"refusal": one_line(trial.mask.text(refusal))},
        "active": described(theirs, other, trial.mask, active.number) if theirs and other and active else None,
        "verdict": verdict(seen, other, refused=bool(refusal), left=left, other_left=other_left),
        "beside": beside(seen, None if left or other_left else other, trial.mask),
        "on_recording": trial.recording is not None,
        "values": values_of(trial, mine),
    }


def values_of(trial: Trial, output: ScriptOutput) -> dict[str, Any] | None:
    """The values of each line of the text and of its helpers; None where that was not asked for, or nothing ran."""
    if output.trace is None:
        return None
    text = Source(f"{trial.script.module}/{trial.script.name}", trial.language, trial.source)
    return traces.described(output.trace, bundle_for(text), trial.mask)


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
            recording=trial.recording,
            traces=trial.traces,
        )
    except TooManyExecutions as error:
        raise Refusal(503, "busy", str(error)) from None
    except SandboxUnavailable as error:
        raise Refusal(503, "unavailable", f"No sandbox could be started: {error}") from None


def verdict(mine: Compared, theirs: Compared | None, *, refused: bool, left: str, other_left: str) -> dict[str, str]:
    """Sum a trial up in a few words. `kind` is a colour of the page."""
    parts = differing(mine, theirs) if theirs is not None else ()
    if left:
        words, kind = "It left the recording", "warn"
    elif mine.error is not None:
        alike = theirs is not None and not set(parts) & set(DECIDING)
        words, kind = "It fails as the live text does" if alike else "It fails", "bad"
    elif refused:
        words, kind = "The game would refuse this", "bad"
    elif theirs is None or theirs.error is not None:
        words, kind = "The live text left the recording" if other_left else "It runs", "live"
    elif "result" in parts:
        words, kind = "It decides differently", "override"
    elif parts == ("log",):
        words, kind = "No difference but in the log", ""
    elif parts:
        words, kind = "It has other effects", "override"
    else:
        words, kind = "No difference on this", ""
    return {"words": words, "kind": kind}
