"""What a script is tried on is what it would be given."""

from __future__ import annotations

import json

import pytest
from django.test import RequestFactory

from scripting.endpoints import request_of
from scripting.models import Script
from scripting.modules.installed import modules
from scripting.workbench import inputs
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
