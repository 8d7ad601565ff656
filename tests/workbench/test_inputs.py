"""A script is tried on the inputs that it would be given."""

from __future__ import annotations

import json

import pytest
from django.test import RequestFactory
from django.utils import timezone

from scripting.endpoints import request_of
from scripting.models import Execution, Script
from scripting.modules.http_requests import EndpointRequest
from scripting.modules.installed import modules
from scripting.sandbox.protocol import encode_value
from scripting.workbench import inputs, recorded
from scripting.workbench.access import Refusal
from tests.support.game import Game, game

__all__ = ["game"]

pytestmark = pytest.mark.django_db


def test_a_trial_of_an_endpoint_sees_what_a_request_in_json_would_bring(game: Game) -> None:
    script = Script.objects.create(module=Game.name, name="dice")
    body = {"sides": 6, "name": "Zoë"}
    source = inputs.source_of(script, "endpoint:/roll")
    tried = inputs.context_for(script, source, body)
    text = json.dumps(body, ensure_ascii=False)
    request = RequestFactory().post("/roll", text, content_type="application/json")
    module = modules.get(Game.name)
    assert module is not None
    real = request_of(request, text).script_context(module, "/roll")
    assert tried | {"timestamp": 0} == real | {"timestamp": 0}
    assert tried["http_body"] == text
    assert tried["http_request"]["headers"] == {"Content-Type": "application/json"}


def test_a_recorded_request_is_shown_by_its_body_and_changed_in_its_body_alone(game: Game) -> None:
    script = Script.objects.create(module=Game.name, name="dice")
    body = {"sides": 9007199254740993, "name": "Zoë"}
    request = EndpointRequest("PUT", "/roll", json.dumps(body), body, {"User-Agent": "x"}, {"fast": "1"})
    context = inputs.request_context(script, "/roll", request) | {"timestamp": 5}
    now = timezone.now()
    execution = Execution(
        script=script,
        trigger="endpoint",
        inputs=encode_value(context),
        started_at=now,
        finished_at=now,
        status="failed",
    )
    execution.save()
    source, payload = recorded.payload_of(script, execution)
    assert (source.key, payload) == ("endpoint:/roll", body)
    changed = recorded.changed(script, execution, {"sides": 2**62 + 1})
    text = f'{{"sides": {2**62 + 1}}}'
    assert changed == context | {
        "http_request": context["http_request"] | {"body": {"sides": 2**62 + 1}},
        "http_body": text,
    }


def test_an_execution_whose_inputs_are_not_kept_is_not_offered(game: Game) -> None:
    script = Script.objects.create(module=Game.name, name="dice")
    now = timezone.now()
    execution = Execution(script=script, trigger="manual", started_at=now, finished_at=now, status="failed")
    execution.save()
    assert recorded.found(script, "") == []
    with pytest.raises(Refusal, match="not kept any more"):
        recorded.execution_of(script, str(execution.pk))
