"""Tell an execution in a sentence with links: its module's, or the engine's plain one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from scripting.insight.executions.cause_tree import Branch
from scripting.insight.executions.reason import in_words
from scripting.models import Execution
from scripting.modules.installed import key_in_words, modules
from scripting.modules.masking import masks_of
from scripting.sandbox.protocol import ValueProblem
from scripting.texts.escaping import display, one_line, visible
from scripting.types import RecordedRun, RunStory

logger = logging.getLogger(__name__)

RESULT = 120
"""Characters of a result in the engine's sentence."""
SENTENCE = 1000
"""Characters of a module's sentence that are shown."""


def told(execution: Execution, tree: Iterable[Branch] = ()) -> RunStory:
    """The story that the module tells; a mistake of the module's is logged, and the engine tells it instead."""
    run = recorded_run(execution, [str(found.pk) for found in _flat(tree)] or [str(execution.pk)])
    module = modules.get(execution.script.module)
    if module is None:
        return RunStory(run.plain)
    try:
        story = module.story(run)
    except Exception:
        logger.exception("module %s cannot tell of execution %s", execution.script.module, execution.pk)
        return RunStory(run.plain)
    return RunStory(one_line(story.sentence, SENTENCE) or run.plain, story.links)


def recorded_run(execution: Execution, related: Iterable[str] = ()) -> RecordedRun:
    """The execution as modules are told of it, masked."""
    given, made = masks_of(execution)
    result = made.value(_read(execution, "result_value"))
    error = visible(made.text(execution.error_message))
    decided = in_words(execution)
    return RecordedRun(
        str(execution.pk),
        execution.script.name,
        execution.topic,
        _payload(given.value(_read(execution, "inputs_value"))),
        result,
        execution.status,
        decided,
        error,
        execution.key,
        tuple(related),
        _plain(execution, decided, result, error),
    )


def _plain(execution: Execution, decided: str, result: Any, error: str) -> str:
    of_key = key_in_words(execution.script.module, execution.key)
    on = f" on {execution.topic}" if execution.topic else ""
    about = f"{on}{f' for {of_key}' if of_key else ''}"
    if decided:
        what = f": {display(result, RESULT)}" if execution.result is not None else ""
        return one_line(f"{decided[:1].upper()}{decided[1:]} decided{about}{what}.", SENTENCE)
    status = execution.get_status_display().lower().replace("_", " ")
    return one_line(f"{execution.script} {status}{about}{f': {error}' if error else ''}.", SENTENCE)


def _read(execution: Execution, name: str) -> Any:
    try:
        return getattr(execution, name)
    except ValueProblem:
        return None


def _payload(inputs: Any) -> Mapping[str, Any]:
    """Of the event, or the body of the request."""
    if not isinstance(inputs, Mapping):
        return {}
    for whole, part in (("message", "payload"), ("http_request", "body")):
        of = inputs.get(whole)
        if isinstance(of, Mapping) and isinstance(of.get(part), Mapping):
            return dict(of[part])
    return {}


def _flat(tree: Iterable[Branch]) -> Iterable[Execution]:
    for branch in tree:
        yield branch.execution
        yield from _flat(branch.branches)
