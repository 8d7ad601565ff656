"""A new script is made on a page of its own, begins with a template that runs at once, and says that nothing runs it yet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scripting.models import Draft, Script
from scripting.registry import publishing
from scripting.sandbox.languages.table import LANGUAGES
from scripting.workbench import beginnings
from tests.support.arena import arena_registered, make_script

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "/scripts/new/"
UNHEARD = "No event or endpoint runs it yet"


@pytest.fixture(autouse=True)
def arena() -> Iterator[None]:
    with arena_registered():
        yield


def client_of(*permissions: str, name: str = "dora") -> Client:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=[f"{word}_script" for word in permissions]))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def designer() -> Client:
    return client_of("view", "edit", "run", "publish")


def make(client: Client, name: str, **form: str) -> Any:
    return client.post(NEW, {"module": "arena", "name": name, "language": "python", "kind": "event", **form})


def trial(client: Client, script: str, context: dict[str, Any]) -> Any:
    draft = Draft.objects.get(script__name=script.split("/")[1])
    wanted = {"source": draft.source, "language": draft.language, "input": "", "payload": context}
    answer = client.post(f"/scripts/{script}/api/trial", json.dumps(wanted), content_type="application/json")
    tried = answer.json()["trial"]
    return tried | {"result": tried["result"] and json.loads(tried["result"])}


@pytest.mark.slow
def test_a_new_script_is_a_draft_that_only_its_author_sees_and_nothing_is_live(designer: Client) -> None:
    assert 'href="/scripts/new/"' in designer.get("/scripts/").content.decode()
    answer = make(designer, "chain_bonus", purpose="How much a chain of hits is worth")
    assert answer.headers["Location"] == "/scripts/arena/chain_bonus/"
    script = Script.objects.get(name="chain_bonus")
    assert (script.active_version, script.versions.count()) == (None, 0)
    assert script.history.latest().history_change_reason == "created: How much a chain of hits is worth"
    page = designer.get("/scripts/arena/chain_bonus/").content.decode()
    assert "nothing is live until you publish" in page
    assert "# How much a chain of hits is worth" in page


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", beginnings.KINDS)
def test_every_template_passes_its_check_without_a_warning_and_runs_at_once(
    designer: Client, language: str, kind: str
) -> None:
    make(designer, "fresh", language=language, kind=kind)
    draft = Draft.objects.get()
    assert draft.language == language
    label = str(draft.script)
    report = publishing.check(*label.split("/"), language, draft.source)
    assert [(found.line, found.message) for found in report.diagnostics] == []
    assert "$" not in draft.source
    if kind == "helper":
        assert label == "shared/fresh", "helpers lie in the module shared"
        return
    assert "award(points: int) -> None" in draft.source, "it names what the module offers"
    bare = trial(designer, label, {})
    assert bare["error"] is None, bare
    if kind == "event":
        event = {"message": {"topic": "arena.hit", "payload": {"points": 7, "secret": "x"}}}
        assert bare["result"] == {"processed": True, "points": 1}
        assert trial(designer, label, event)["result"] == {"processed": True, "points": 7}
        assert "secret" not in draft.source
    else:
        request = {"http_request": {"method": "POST", "path": "/x", "body": {"name": "Ada"}}}
        assert bare["result"] == {"status": 200, "body": {"message": "Hello, you!"}}
        assert trial(designer, label, request)["result"]["body"] == {"message": "Hello, Ada!"}
        assert trial(designer, label, {"http_request": {"body": "no object"}})["error"] is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"name": "Chain"}, "&#x27;Chain&#x27; cannot be a name: use a-z, 0-9 and _"),
        ({"name": "../x"}, "cannot be a name"),
        ({"name": "a" * 65}, "at most 64 characters"),
        ({"name": ""}, "Name the script."),
        ({"name": "scorer"}, "arena/scorer exists already: choose another name."),
        ({"name": "gone"}, "It is retired: an admin can bring it back."),
        ({"module": "nobody"}, "Choose a module of the list."),
        ({"module": "shared"}, "Scripts of shared are helpers"),
        ({"language": "cobol"}, "Choose a language of the list."),
        ({"kind": "poem"}, "Choose what the script is for."),
        ({"purpose": "x" * 81}, "At most 80 characters."),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_keeps_the_rest(
    designer: Client, form: dict[str, str], words: str
) -> None:
    make_script("result = 1\n")
    make_script("result = 1\n", "gone")
    Script.objects.filter(name="gone").update(retired_at=timezone.now())
    answer = make(designer, **{"name": "fresh", "purpose": "kept", **form})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert words in html
    assert f'value="{form.get("purpose", "kept")}"' in html
    assert not Draft.objects.exists()
    assert Script.objects.count() == 2


@pytest.mark.any_database
def test_a_form_that_is_sent_twice_makes_one_script_and_both_answers_lead_to_it(designer: Client) -> None:
    once = re.search(r'name="once" value="([^"]+)"', designer.get(NEW).content.decode())
    assert once
    answers = [make(designer, "fresh", once=once[1]) for _ in range(2)]
    assert [answer.headers["Location"] for answer in answers] == ["/scripts/arena/fresh/"] * 2
    assert Draft.objects.count() == Script.objects.count() == 1
    assert make(designer, "fresh", once=str(uuid4())).status_code == 422, "another form asks for a name that is taken"
    assert make(client_of("view", "edit", "publish", name="otto"), "fresh", once=once[1]).status_code == 422


@pytest.mark.parametrize("permissions", [("view",), ("view", "edit"), ("view", "publish")])
def test_it_takes_the_permissions_to_write_drafts_and_to_publish(permissions: tuple[str, ...]) -> None:
    reader = client_of(*permissions, name="otto")
    assert NEW not in reader.get("/scripts/").content.decode()
    assert reader.get(NEW).status_code == 403
    assert make(reader, "fresh").status_code == 403
    assert not Script.objects.exists()


def test_the_admins_add_page_is_this_page(designer: Client) -> None:
    assert designer.get(reverse("admin:scripting_script_add")).headers["Location"] == NEW


def test_a_script_that_nothing_runs_is_said_to_be_so_wherever_it_is_shown_as_live(designer: Client) -> None:
    make(designer, "fresh")
    draft = Draft.objects.get()
    wanted = {"source": draft.source, "language": "python", "base": None, "reason": "A first try"}
    published = designer.post(
        "/scripts/arena/fresh/api/publish", json.dumps(wanted), content_type="application/json"
    ).json()
    assert published["active"]["number"] == 1
    assert published["unheard"].startswith(UNHEARD)
    assert UNHEARD in designer.get("/scripts/arena/fresh/").content.decode()
    tree = designer.get("/scripts/").content.decode()
    assert tree.count("no event or endpoint runs it yet") == 1
    change = reverse("admin:scripting_script_change", args=[draft.script_id])
    assert UNHEARD in designer.get(change).content.decode()
    make_script("result = 1\n")
    assert designer.get("/scripts/arena/scorer/api/active").json()["unheard"] == ""


def test_a_helper_is_said_to_run_once_a_script_imports_it(designer: Client) -> None:
    make_script("def within(x):\n    return x\n", "bounds", "shared")
    active = "/scripts/shared/bounds/api/active"
    assert designer.get(active).json()["unheard"] == "No script imports it yet, so nothing runs it."
    assert "no script imports it yet" in designer.get("/scripts/").content.decode()
    make_script("from shared import bounds\nresult = bounds.within(1)\n")
    assert designer.get(active).json()["unheard"] == ""
    assert "no script imports it yet" not in designer.get("/scripts/").content.decode()


def test_a_language_without_templates_begins_with_nothing(designer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = LANGUAGES["tengo"]._replace(name="bare", suffix=".bare", templates="")
    monkeypatch.setitem(LANGUAGES, "bare", bare)
    assert "bare (begins empty)" in designer.get(NEW).content.decode()
    assert make(designer, "fresh", language="bare").status_code == 302
    assert Draft.objects.get().source == ""
