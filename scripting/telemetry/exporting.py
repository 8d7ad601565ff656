"""Where spans go: to the tracer provider that the site has set up, else by OTLP over HTTP to where OpenTelemetry's own variables say.

Imported where tracing is on alone. The variables are those of its specification: OTEL_EXPORTER_OTLP_ENDPOINT and _HEADERS,
OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME (`goby` without it), OTEL_SDK_DISABLED.
"""

from __future__ import annotations

import functools
import logging
import os
from importlib.util import find_spec
from typing import Any

logger = logging.getLogger(__name__)


@functools.cache
def tracer() -> Any:
    """This process's tracer; None where the extra `otel` is not installed, which is logged once."""
    try:
        from opentelemetry import trace

        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            trace.set_tracer_provider(_provider())
    except ImportError as missing:
        logger.error(  # noqa: TRY400 - the reader needs the package, not where it was looked for
            'SCRIPTING_TRACING is on, and there are no traces: %s. pip install "goby[otel]"', missing
        )
        return None
    return trace.get_tracer("goby")


def can_trace() -> bool:
    """Whether all that `tracer` needs is installed; a provider that the site has set up needs no exporter of ours."""
    try:
        from opentelemetry import trace

        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            return all(map(find_spec, ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")))
    except ImportError:
        return False
    return True


def _provider() -> Any:
    """Spans are sent from a thread, in batches; a receiver that is unavailable costs spans, never an event."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "") or os.environ.get("OTEL_SERVICE_NAME")
    provider = TracerProvider(resource=Resource.create({} if named else {SERVICE_NAME: "goby"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
