"""Loading a bundle: what a sandbox is told of it and of its limits, and what a person is told of what it answers."""

from __future__ import annotations

import functools

from scripting.sandbox import protocol
from scripting.sandbox.protocol import Load, Loaded
from scripting.sandbox.source_text import encode
from scripting.supervisor import exit_status
from scripting.supervisor.interface import HostFunction, RunOutcome
from scripting.types import Bundle, Diagnostic, ExecutionMetrics, SecurityLimits, Source


def headroom(limits: SecurityLimits) -> int | None:
    """Bytes for compiling, where the limit asks for more than every sandbox gets."""
    usual = 128 << 20
    return limits.max_memory_bytes + (32 << 20) if limits.max_memory_bytes > usual else None


@functools.lru_cache(maxsize=64)
def load_message(
    digest: str, bundle: Bundle, functions: tuple[HostFunction, ...], limits: SecurityLimits, cpu_seconds: int
) -> Load:
    # The digest tells bundles apart that are equal in Python: values of knobs may be True or 1.
    return Load(
        _text(bundle.script, limits),
        tuple(_text(helper, limits) for helper in bundle.helpers),
        tuple(protocol.Function(function.name, function.kind, function.parameters) for function in functions),
        limits.allowed_packages,
        limits.max_memory_bytes,
        cpu_seconds,
        limits.max_source_bytes,
        limits.max_source_lines,
        limits.max_source_nesting,
        limits.max_result_bytes,
        limits.max_result_depth,
        limits.max_result_nodes,
        limits.max_log_lines,
        limits.max_log_bytes,
        limits.max_host_calls,
        bundle.offered[:MAX_OFFERED],
        warns=False,
    )


MAX_OFFERED = 100
"""Names of helpers that a sandbox is told of, to name them where one is missing."""


def _text(source: Source, limits: SecurityLimits) -> protocol.Text:
    # One character too many is enough for the sandbox to refuse it.
    text = source.text[: limits.max_source_bytes + 1]
    return protocol.Text(source.name, source.language, encode(text), source.knobs)


def refused(bundle: Bundle, loaded: Loaded) -> RunOutcome:
    assert loaded.fault is not None
    error = exit_status.script_error(loaded.fault)
    if not error.script:
        error = type(error)(error.type, error.message, bundle.script.name, hint=error.hint)
    return RunOutcome(None, (), False, error, False, ExecutionMetrics(compile_us=loaded.compile_us))


def diagnostic(finding: protocol.Finding, bundle: Bundle) -> Diagnostic:
    message = protocol.cut(finding.message, 1000)
    if finding.script and finding.script != bundle.script.name:
        message = f"in {protocol.cut(finding.script, 200)}: {message}"
    return Diagnostic(
        "warning" if finding.severity == "warning" else "error",
        finding.type,
        message,
        finding.line,
        finding.column,
        finding.end_line,
        finding.end_column,
        protocol.cut(finding.hint, 600),
        finding.certain and finding.severity == "warning",
    )
