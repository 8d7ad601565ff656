"""Runs a text in a real pool with as few words as possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scripting.sandbox.protocol import decode_value, encode_value
from scripting.supervisor.interface import CheckReport
from scripting.supervisor.pool import (
    Cancellation,
    HostCallable,
    HostFunction,
    PoolConfig,
    RunOutcome,
    RunRequest,
    SandboxPool,
)
from scripting.types import Bundle, SecurityLimits, Source
from tests.support import common_parent

CLOCK_US = 1_700_000_000_000_000
SHORT = SecurityLimits(max_execution_time=0.5)


def new_pool(**config: Any) -> SandboxPool:
    """A pool whose light parent is forked by the run's common parent, unless `config` says otherwise: to start one takes far longer."""
    return SandboxPool(PoolConfig(**{"common_parent": str(common_parent.address_of_the_run()), **config}))


def bundle_of(text: str, helpers: Mapping[str, str] | None = None, language: str = "python") -> Bundle:
    sources = tuple(Source(f"shared/{name}", language, source) for name, source in (helpers or {}).items())
    return Bundle(Source("test/script", language, text), sources)


def outcome_of(
    pool: SandboxPool,
    text: str | Bundle,
    context: Mapping[str, Any] | None = None,
    *,
    helpers: Mapping[str, str] | None = None,
    language: str = "python",
    limits: SecurityLimits | None = None,
    seed: int = 7,
    functions: Sequence[HostFunction] = (),
    host: HostCallable | None = None,
    cancellation: Cancellation | None = None,
    trial: bool = False,
    traces: bool = False,
) -> RunOutcome:
    """The outcome of a run of the text."""
    bundle = text if isinstance(text, Bundle) else bundle_of(text, helpers, language)
    request = RunRequest(encode_value(dict(context or {})), seed, CLOCK_US, tuple(functions), traces)
    limits = limits or SecurityLimits()
    return pool.run(bundle, request, limits, host=host, cancellation=cancellation, trial=trial)


def ran_out_of_time(report: CheckReport, outcome: RunOutcome) -> bool:
    """Whether the text was not compiled in time in one of the two: on a busy machine that tells nothing of the text."""
    told = [*(each.message for each in report.diagnostics), outcome.error.message if outcome.error else ""]
    return any(message.startswith("compiling takes longer than") for message in told)


def value_of(outcome: RunOutcome) -> Any:
    """The result of a run that succeeded."""
    assert outcome.error is None, outcome.error
    assert outcome.result is not None
    return decode_value(outcome.result)
