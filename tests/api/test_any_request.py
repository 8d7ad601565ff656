"""Any request at all: no answer is a fault of ours, every error is a problem that says what to do, every answer fits the description."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripting.api.problems import TITLES
from scripting.api.site import described
from tests.api.conftest import Machine
from tests.api.test_doors import DOORS
from tests.support.game import Game

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["", "\x00", "\ud83d", "../..", "1' OR '1'='1", "x" * 300, "chess_club/dice", "shared", "9" * 30]),
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), TEXTS
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)
QUERIES = ("wait", "script", "status", "topic", "since", "until", "q", "cursor", "limit", "before", "minutes")


@st.composite
def changed(draw: st.DrawFn, document: Any) -> Any:
    """A document with a part replaced, left out or added."""
    if isinstance(document, dict) and document and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(document)))
        match draw(st.integers(0, 2)):
            case 0:
                return {name: value for name, value in document.items() if name != key}
            case 1:
                return {**document, draw(TEXTS): draw(VALUES)}
        return {**document, key: draw(changed(document[key]))}
    if isinstance(document, list) and document and draw(st.booleans()):
        return [draw(changed(document[0])), *document[1:]]
    return draw(VALUES)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, bytes]:
    """A method, an address and a body that are almost right."""
    method, template = draw(st.sampled_from(sorted(DOORS)))
    address, sent = DOORS[method, template][:2]
    if draw(st.booleans()):
        names = draw(st.lists(st.sampled_from(QUERIES), max_size=2))
        pairs = "&".join(
            f"{name}={draw(st.sampled_from(['', '0', '-1', '1e9', 'x', '%00', '%ff', '2030-01-31', '9' * 30]))}"
            for name in names
        )
        address += ("&" if "?" in address else "?") + pairs
    if draw(st.integers(0, 9)) == 0:
        parts = address.split("/")
        parts[draw(st.integers(0, len(parts) - 1))] = draw(
            st.sampled_from(["%00", "%ff", "..", "x" * 300, "9" * 30, "%F0%9F"])
        )
        address = "/".join(parts)
    body = draw(st.binary(max_size=20)) if draw(st.integers(0, 19)) == 0 else as_json(draw(changed(sent)))
    return method, address, body


def as_json(document: Any) -> bytes:
    """Half characters as JSON's escapes, as a client may send them."""
    return json.dumps(document).encode()


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(asked=requests())
def test_any_request_is_answered_as_the_description_says(machine: Machine, asked: tuple[str, str, bytes]) -> None:
    method, address, body = asked
    answer = machine.get(address) if method == "GET" else machine.post(address, body)
    assert answer.status_code not in (500, 502), answer.content[:300]
    if answer.status_code >= 400:
        problem = answer.json()
        assert answer["Content-Type"] == "application/problem+json"
        assert (problem["status"], problem["title"]) == (answer.status_code, TITLES[answer.status_code])
        assert problem["detail"]
        assert problem["code"]
    else:
        assert answer.status_code in (200, 202)
        json.loads(answer.content)


def test_every_reference_of_the_description_leads_to_a_schema_among_its_components() -> None:
    """Generators of clients resolve no others."""
    document = described()
    text = json.dumps(document)
    schemas = document["components"]["schemas"]
    assert not re.search(r'"#/components/schemas/[^"]*/', text)
    assert "properties" in schemas["topic.wargame.hit"]
    titles = [each["title"] for each in schemas.values() if "title" in each]
    assert len(titles) == len(set(titles)), "classes are named by them"
    for reference in {part.split('"')[0] for part in text.split('"$ref": "#/')[1:]}:
        place: Any = document
        for step in reference.split("/"):
            assert step in place, reference
            place = place[step]


def test_a_client_made_from_the_description_sends_the_header_and_the_body_that_are_read(
    club: Game, machine: Machine
) -> None:
    document = machine.get("openapi.json").json()
    [header] = [
        each["name"] for each in document["paths"]["/api/v1/events"]["post"]["parameters"] if each["in"] == "header"
    ]
    event = {"topic": "chess_club.roll", "payload": {"sides": 6}}
    assert machine.post("events", event, **{header: "mine"}).json()["event"] == "mine"
    operation = document["paths"]["/api/v1/endpoints/chess_club/roll"]["post"]
    assert (operation["summary"], "parameters" in operation) == ("Run chess_club/dice", False)
    for path in ("/api/v1/endpoints/chess_club/roll", "/api/v1/endpoints/{module}/{endpoint}"):
        assert document["paths"][path]["post"]["requestBody"]["content"]["application/json"] == {"schema": {}}
