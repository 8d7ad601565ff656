"""Executions that happened, as inputs of trials: found by what they were about, shown as a payload, changed, answered from."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import redis

from scripting.bus import samples
from scripting.bus.events import raw_text
from scripting.bus.samples import Sample
from scripting.execution.comparison import equal
from scripting.execution.rows import decode_calls
from scripting.insight.times import written
from scripting.models import Execution, Script
from scripting.models.execution import AttemptFields
from scripting.modules.http_requests import EndpointRequest
from scripting.modules.installed import modules
from scripting.modules.masking import mask_of_inputs
from scripting.sandbox.protocol import ValueProblem
from scripting.texts.escaping import display, one_line
from scripting.texts.plain_json import jsonable
from scripting.types import HostCallRecord
from scripting.workbench import inputs
from scripting.workbench.access import Refusal
from scripting.workbench.inputs import NOTHING, Source

OFFERED = 40
"""Events that a search offers."""
SEARCHED = 500
"""Latest executions that a search looks through: each is decoded to be told in words."""
SEARCHED_IN = ("topic", "status", "words", "outcome")
SAMPLE = "event:"
"""Begins the id of an event that happened before the script ran."""
TOLD = 200
"""Characters of an event in words."""

logger = logging.getLogger(__name__)


# -- finding one -------------------------------------------------------------------------------------------------------


def found(script: Script, query: str) -> list[dict[str, Any]]:
    """The latest executions whose words hold every word of the query, or the one of that id."""
    wanted = query.lower().split()
    offered: list[dict[str, Any]] = []
    for one in _latest(script):
        event = _listed(script, one)
        said = " ".join(event[part] for part in SEARCHED_IN).lower()
        if all(word in said or _is_time(word, event["when"]) for word in wanted) or query.strip() == event["id"]:
            offered.append(event)
            if len(offered) == OFFERED:
                return offered
    for sample in _samples(script) if script.active_version_id is None else ():
        event = _listed_sample(script, sample)
        if all(word in f"{event['topic']} {event['words']}".lower() for word in wanted):
            offered.append(event)
    return offered[:OFFERED]


def _samples(script: Script) -> Iterator[Sample]:
    """Events of its topics that happened before it ran: what a new rule is tried on."""
    with contextlib.suppress(redis.RedisError):
        for source in inputs.sources(script):
            if source.topic is not None:
                yield from samples.of(source.topic.name)


def _listed_sample(script: Script, sample: Sample) -> dict[str, Any]:
    return {
        "id": f"{SAMPLE}{sample.topic}:{sample.id}",
        "when": written(sample.at),
        "topic": sample.topic,
        "status": "succeeded",
        "words": words_of(script.module, sample.topic, sample.payload),
        "outcome": "",
    }


def sample_of(script: Script, given: str) -> dict[str, Any] | None:
    """An event that happened before the script ran, as the page shows it; None for what is the id of an execution. Raises Refusal."""
    if not given.startswith(SAMPLE):
        return None
    for sample in _samples(script):
        listed = _listed_sample(script, sample)
        if listed["id"] == given:
            more = {"sample": True, "source": f"topic:{sample.topic}", "payload": json.dumps(jsonable(sample.payload))}
            return {**listed, **more}
    raise Refusal(404, "not_found", "This event is not kept any more: choose a later one.")


def _is_time(word: str, when: str) -> bool:
    """Whether a word is part of the time, such as `12:03`. A mere number is more likely one of the event."""
    return any(mark in word for mark in ":-") and word in when


def _latest(script: Script) -> Iterator[Execution]:
    latest = Execution.objects.filter(script=script).order_by("-id").exclude(inputs=b"")
    fields = ("id", "started_at", "topic", "trigger", "key", "status", "inputs", "result_text", "error_message")
    return latest.only(*fields)[:SEARCHED].iterator(chunk_size=OFFERED)


def _listed(script: Script, execution: Execution) -> dict[str, Any]:
    return {
        "id": str(execution.pk),
        "when": written(execution.started_at),
        "topic": execution.topic or execution.trigger,
        "status": execution.status.replace("_", " "),
        "words": in_words(script, execution),
        "outcome": one_line(execution.error_message or execution.result_text, 90),
    }


def in_words(script: Script, execution: Execution) -> str:
    """The event in its module's words, else the beginning of its payload. What its topic hides is hidden."""
    try:
        source, payload = payload_of(script, execution)
    except ValueProblem:
        return ""
    return words_of(script.module, source.endpoint or execution.topic, payload)


def words_of(module_name: str, topic: str, payload: Any) -> str:
    """A payload in its module's words, else its beginning."""
    module = modules.get(module_name)
    words = ""
    if module is not None and isinstance(payload, Mapping):
        try:
            words = module.event_in_words(topic, payload)
        except Exception:
            logger.exception("%s cannot say an event of %s in words", module_name, topic)
    return one_line(words or display(payload, TOLD), TOLD)


def execution_of(script: Script, given: str) -> Execution:
    """An execution of this script by its id. Raises Refusal."""
    try:
        wanted = UUID(given)
    except ValueError:
        raise Refusal(404, "not_found", "That is no execution's id.") from None
    one = Execution.objects.filter(script=script, pk=wanted).select_related("version").first()
    if one is None:
        raise Refusal(404, "not_found", "There is no such execution of this script; old ones are removed after a time.")
    if not one.inputs:
        raise Refusal(404, "not_found", "The inputs of this execution are not kept any more: choose a later one.")
    return one


# -- its inputs --------------------------------------------------------------------------------------------------------


def payload_of(script: Script, execution: Execution) -> tuple[Source, Any]:
    """Where the execution came from, and its payload as people may read it: what a form for that source shows."""
    variables = execution.inputs_value
    source = source_of_run(script, execution.topic, variables)
    return source, mask_of_inputs(execution.topic, variables).value(payload_in(source, variables))


def source_of_run(script: Script, topic: str, variables: Mapping[str, Any]) -> Source:
    """A topic or an endpoint that the script still has; else a bare run, whose payload is all the variables."""
    message, endpoint = variables.get("message"), variables.get("endpoint")
    named = isinstance(message, Mapping) and "payload" in message
    for source in inputs.sources(script):
        if source.topic is not None and named and source.topic.name == topic:
            return source
        if source.endpoint and source.endpoint == endpoint and isinstance(variables.get("http_request"), Mapping):
            return source
    return NOTHING


def payload_in(source: Source, variables: Any) -> Any:
    """The part of a run's variables that the form of that source shows."""
    if source.topic is not None:
        return variables["message"]["payload"]
    return variables["http_request"].get("body") if source.endpoint else variables


def changed(script: Script, execution: Execution, payload: Any) -> dict[str, Any]:
    """The execution's variables with another payload, everything else as it was. Raises Refusal for one that does not fit.

    What the page showed as hidden, and was left so, is what it was.
    """
    variables: dict[str, Any] = execution.inputs_value
    source, shown = payload_of(script, execution)
    return with_payload(script, execution.topic, variables, _unhidden(payload, shown, payload_in(source, variables)))


def with_payload(script: Script, topic: str, variables: Mapping[str, Any], wanted: Any) -> dict[str, Any]:
    """The variables of a run with another payload, everything else as it was. Raises Refusal for one that does not fit."""
    source = source_of_run(script, topic, variables)
    if source.topic is not None:
        fitting = inputs.fitting(source.topic, wanted)
        return {
            **variables,
            "message": variables["message"] | {"payload": fitting},
            "message_payload": raw_text(fitting),
        }
    if source.endpoint:
        was = variables["http_request"]
        request = EndpointRequest(
            str(was.get("method")), str(was.get("path")), inputs.as_text(wanted), wanted,
            was.get("headers") or {}, was.get("query") or {},
        )  # fmt: skip
        return inputs.request_context(script, source.endpoint, request) | {"timestamp": variables.get("timestamp")}
    return inputs.context_for(script, source, wanted)


def _unhidden(given: Any, shown: Any, real: Any) -> Any:
    """The value given, with the real parts where it still is what was shown."""
    if equal(given, shown):
        return real
    match given, shown, real:
        case Mapping(), Mapping(), Mapping():
            return {
                key: _unhidden(value, shown[key], real[key]) if key in shown and key in real else value
                for key, value in given.items()
            }
        case list(), list(), list() if len(shown) == len(real):
            return [
                _unhidden(value, shown[at], real[at]) if at < len(real) else value for at, value in enumerate(given)
            ]
    return given


def recording_of(execution: Execution) -> list[HostCallRecord]:
    """The calls of the game's functions with their answers, of every attempt."""
    attempts: list[AttemptFields] = [*execution.attempts.order_by("ordinal")] or [execution]
    return [call for attempt in attempts for call in decode_calls(bytes(attempt.host_calls))]
