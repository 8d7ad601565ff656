"""Traces of OpenTelemetry, from a caller's request to the events that follow: sent by web and worker to a receiver over OTLP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.asgi import get_asgi_application
from django.test import Client
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pytest_django import Settings

from scripting.api.express import Express
from scripting.bus import publishing
from scripting.bus.events import Event
from scripting.models import Execution
from scripting.modules.calls import EffectRefused
from scripting.telemetry import spans
from scripting.telemetry.requests import TracedRequests
from tests.api import test_express as asking
from tests.api.conftest import machine_of
from tests.support.arena import make_script
from tests.workers.otlp import receiving
from tests.workers.processes import WorkerProcess, wait_for

pytestmark = [pytest.mark.usefixtures("track"), pytest.mark.alone, pytest.mark.once]

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SCRIPT = "cheer()\nresult = {'lap': message['payload']['lap'] + 0 * noted()}\n"


class Site(asking.Site):
    """The short way as a site with traces has it."""

    def __init__(self) -> None:
        self.application = TracedRequests(Express(get_asgi_application()))


def test_a_callers_trace_goes_on_through_the_api_the_run_its_effects_and_the_events_that_follow(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    make_script(SCRIPT, "marshal", "track")
    token = machine_of(User.objects.create_superuser("root", is_staff=True)).token
    with receiving() as receiver:
        # OpenTelemetry's own variables, and one switch.
        own = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        for name, value in own.items():
            monkeypatch.setenv(name, value)
        settings.SCRIPTING_TRACING = True
        asked = asking.Request(
            token,
            {"topic": "track.lap", "payload": {"lap": 1, "then": 2}, "key": "ann"},
            headers=[("traceparent", CALLER)],
        )
        with WorkerProcess(
            tmp_path, "traced", SCRIPTING_TRACING="true", LOG_FORMAT="json", LOG_LEVEL="DEBUG"
        ) as worker:
            worker.takes_jobs()
            [answer] = Site().ask(asked)
            assert answer.status == 202
            wait_for(lambda: len(receiver.named("process track.lap")) == 2 and len(receiver.named("commit")) == 2, 60)
            worker.process.terminate()
            worker.process.wait(30)
        flush()
    [request], first, then = receiver.named("POST /api/v1/events"), *receiver.named("create track.lap")
    by_parent = {span.parent: span for span in receiver.named("process track.lap")}
    run, second = by_parent[first.id], by_parent[then.id]
    assert {span.trace for span in receiver.spans} == {CALLER[3:35]}
    assert (request.kind, request.parent, request.values["http.response.status_code"]) == ("server", CALLER[36:52], 202)
    assert (first.kind, first.parent) == ("producer", request.id)
    assert (run.kind, run.values["messaging.destination.name"], run.values["goby.status"]) == (
        "consumer",
        "track.lap",
        "succeeded",
    )
    assert (then.kind, then.parent) == ("producer", run.id), "the event that follows is below the run that published it"
    below = {name: {span.parent for span in receiver.named(name)} for name in ("call noted", "effect cheer", "commit")}
    assert set(map(frozenset, below.values())) == {frozenset({run.id, second.id})}
    assert {span.service for span in receiver.spans} == {"goby"}

    # The same id in the rows, on the page, in the search and in the log.
    assert set(Execution.objects.values_list("trace_id", flat=True)) == {CALLER[3:35]}
    assert worker.log.read_text().count(f'"trace_id": "{CALLER[3:35]}"') >= 2
    settings.SCRIPTING_TRACE_URL = "https://traces.example/trace/{trace_id}"
    client.force_login(User.objects.get(username="root"))
    page = client.get(f"/admin/scripting/execution/{run.values['goby.execution']}/change/").content.decode()
    assert f'href="https://traces.example/trace/{CALLER[3:35]}"' in page
    found = client.get("/admin/scripting/execution/", {"q": CALLER[3:35]}).content.decode()
    assert run.values["goby.execution"] in found


def test_of_an_error_that_leaves_a_span_its_type_alone_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, sent = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(sent))
    monkeypatch.setattr(spans, "_tracer", lambda: provider.get_tracer("goby"))
    settings.SCRIPTING_TRACING = True
    with pytest.raises(EffectRefused), spans.span("effect pay"):
        raise EffectRefused("ann pays with card 4000-1234")
    [span] = sent.get_finished_spans()
    assert span.attributes is not None
    assert (span.status.is_ok, span.attributes["error.type"]) == (False, "EffectRefused")
    assert "4000-1234" not in span.to_json()


def flush() -> None:
    from opentelemetry import trace

    provider: Any = trace.get_tracer_provider()
    provider.force_flush()


def test_without_tracing_an_event_carries_a_callers_trace_on_and_is_as_long_as_ever_without_one() -> None:
    plain = publishing.make_event("track.lap", {"lap": 1}, event_id="one")
    assert b"traceparent" not in plain.encode()
    assert spans.created("track.lap", parent=CALLER) == CALLER
    assert spans.created("track.lap", parent="00-zz") == ""
    # An event of a release that knows no traces, and one of this release for a process that knows none.
    assert not Event.decode(plain.encode()).traceparent
    with spans.span("nothing") as span:
        assert span.traceparent == ""
