"""Whose fault a refused call is: the script's, or that of the request it answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from scripting.execution.run import Run
from scripting.models import Execution
from scripting.runtime.host_calls import Effect, RefusedCall
from scripting.types import ScriptError

_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,18})?")
MAX_REASON = 1000
"""Characters of a refusal that a script is told."""


def asked_for(run: Run, refused: RefusedCall | None, error: ScriptError | None) -> bool:
    """Whether a run of an endpoint failed since the game refused what its caller asked for.

    So it is if values of the request were refused, or a call without any, which the state of the game alone can forbid.
    """
    if run.trigger != Execution.Trigger.ENDPOINT or refused is None or error is None:
        return False
    if refused.message[:MAX_REASON] not in error.message:
        return False  # the script went on, and failed of something else
    return _from_request(run, refused.values) or (not refused.misfit and not any(_leaves(refused.values)))


def asked_for_effect(run: Run, effect: Effect) -> bool:
    """Whether an effect that the game refuses has values of the request that an endpoint answers."""
    return run.trigger == Execution.Trigger.ENDPOINT and _from_request(run, msgspec.to_builtins(effect.arguments))


def _from_request(run: Run, values: Any) -> bool:
    """Whether one of these values came with the request, as it is or as the number that its text says."""
    request = run.variables.get("http_request")
    if not isinstance(request, Mapping):
        return False
    sent = set(_leaves([request.get("body"), request.get("query")]))
    return any(leaf in sent for leaf in _leaves(values))


def _leaves(value: Any) -> Iterator[Any]:
    """Texts and numbers in a value, at any depth; of a text that says a number both."""
    match value:
        case Mapping():
            for each in value.values():
                yield from _leaves(each)
        case list() | tuple():
            for each in value:
                yield from _leaves(each)
        case str() if value:
            yield value
            if _NUMBER.fullmatch(value):
                yield float(value)
        case int() | float() if not isinstance(value, bool):
            yield value
