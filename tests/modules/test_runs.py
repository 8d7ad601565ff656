"""The inputs of a script as a check knows them are those that its runs really get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from scripting.bus.events import Event
from scripting.engine import get_engine
from scripting.modules.http_requests import EndpointRequest
from scripting.modules.installed import modules
from scripting.modules.runs import runs_of
from scripting.modules.topics import topics
from scripting.sandbox.protocol import Shape
from wargame.module import WargameModule


def lost(shapes: tuple[Shape, ...], value: Any, path: str) -> Iterator[str]:
    """The parts of a value that its shapes do not have."""
    if not shapes:
        return
    if isinstance(value, Mapping):
        fields = [shape.fields for shape in shapes if shape.fields is not None]
        for name, part in value.items():
            if not any(name in each for each in fields):
                yield f"{path}.{name}"
            for each in fields:
                yield from lost(each.get(name, ()), part, f"{path}.{name}")
    elif isinstance(value, list):
        for shape in shapes:
            for part in value if shape.items is not None else ():
                yield from lost(shape.items or (), part, f"{path}[]")


@pytest.mark.parametrize(("name", "script"), WargameModule.config.message_handlers.items())
def test_every_part_of_a_message_is_known_to_the_check(name: str, script: str) -> None:
    (run,) = [run for run in runs_of(modules.get("wargame"), script) if run.label == name]
    topic = topics.get(name)
    event = Event(id="1", topic=topic.name, payload=topic.validate(topic.example), subscribers=[])
    context = event.script_context("wargame")
    assert context.keys() == run.variables.keys()
    for name, value in context.items():
        assert list(lost(run.variables[name], value, name)) == []


def test_every_part_of_a_request_is_known_to_the_check() -> None:
    module = modules.get("wargame")
    assert module is not None
    (run,) = [run for run in runs_of(module, "hit_simulator") if run.label == "request to /debug/hit"]
    request = EndpointRequest("POST", "/debug/hit", "{}", {"distance": 1}, {}).fitted(module, "/debug/hit")
    context = request.script_context(module, "/debug/hit")
    assert context.keys() == run.variables.keys()
    assert list(lost(run.variables["http_request"], context["http_request"], "http_request")) == []


@pytest.mark.django_db
def test_the_shipped_scripts_say_nothing_and_a_misspelt_field_is_found() -> None:
    engine = get_engine()
    text = "payload = message['payload']\nresult = payload['attacker'].get('armor', 0)\n"
    (found,) = engine.check(text, "python", module_name="wargame", name="damage_calculator").diagnostics
    assert (found.severity, found.certain, found.hint) == ("warning", True, "did you mean armour?")
    assert found.message == '"armor" is no field of UnitState: it is never there'
