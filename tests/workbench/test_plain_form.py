"""The workbench's form without JavaScript: where two texts meet, each place is decided, and nothing that was written is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from scripting.models import Draft, Script
from tests.support.arena import arena_registered, make_script

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = "/scripts/arena/scorer/"
LIVE = "BONUS = 1\nSPAN = 2\nresult = {'points': BONUS}\n"
THEIRS = LIVE.replace("BONUS = 1", "BONUS = 10").replace("'points': BONUS", "'points': BONUS + SPAN")
MINE = LIVE.replace("BONUS = 1", "BONUS = 7")
WORDS = "1 place was changed by both. 1 other change is in the text already: 1 of theirs."


@pytest.fixture
def script() -> Iterator[Script]:
    with arena_registered():
        yield make_script(LIVE)


@pytest.fixture
def designer(script: Script) -> Client:
    user = User.objects.create_user("dora", is_staff=True)
    wanted = [f"{word}_script" for word in ("view", "edit", "publish")]
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    client = Client()
    client.force_login(user)
    return client


def post(client: Client, **form: Any) -> Any:
    return client.post(ROOT, {"language": "python", "base": "1", "revision": "", **form})


def fields(html: str) -> dict[str, str]:
    """The hidden fields of the page that asks."""
    form = html[html.index('class="settle"') :]
    return dict(re.findall(r'<input type="hidden" name="(met|mark|base|language)" value="([^"]*)">', form))


def test_a_version_that_went_live_meanwhile_is_merged_place_by_place(designer: Client, script: Script) -> None:
    make_script(THEIRS)
    asked = post(designer, source=MINE, publish="1", reason="Seven")
    html = asked.content.decode()
    assert asked.status_code == 409
    assert "v2 became live while you were writing" in html
    assert WORDS in html
    assert "<<<<" not in html
    again = post(designer, **fields(html), source=MINE, settle="both")
    assert again.status_code == 409
    assert "Choose mine, theirs or both for every place first." in again.content.decode()
    answer = post(designer, **fields(html), source=MINE, settle="both", place1="both")
    assert answer.headers["Location"] == ROOT
    draft = Draft.objects.get()
    assert draft.source == THEIRS.replace("BONUS = 10\n", "BONUS = 10\nBONUS = 7\n")
    assert draft.base_version is not None
    assert draft.base_version.number == 2
    published = post(designer, source=draft.source, base="2", revision=str(draft.revision), publish="1", reason="Both")
    assert published.status_code == 302
    script.refresh_from_db()
    assert script.active_version is not None
    assert script.active_version.text == draft.source


@pytest.mark.parametrize(("choice", "text"), [("mine", MINE), ("theirs", None)])
def test_one_of_two_texts_is_taken_whole(designer: Client, script: Script, choice: str, text: str | None) -> None:
    make_script(THEIRS)
    html = post(designer, source=MINE, publish="1", reason="Seven").content.decode()
    assert post(designer, **fields(html), source=MINE, settle=choice).status_code == 302
    assert Draft.objects.values_list("source", flat=True).first() == text


def test_what_goes_live_after_the_question_is_shown_before_the_answer_counts(designer: Client, script: Script) -> None:
    make_script(THEIRS)
    html = post(designer, source=MINE, publish="1", reason="Seven").content.decode()
    make_script("result = {'points': 3}\n")
    again = post(designer, **fields(html), source=MINE, settle="mine")
    assert again.status_code == 409
    assert "v3 became live" in again.content.decode()
    assert Draft.objects.get().source == MINE


def test_a_draft_that_another_tab_saved_is_not_lost_and_neither_is_what_was_sent(
    designer: Client, script: Script
) -> None:
    assert post(designer, source=THEIRS).status_code == 302
    asked = post(designer, source=MINE)
    html = asked.content.decode()
    assert asked.status_code == 409
    assert "was changed there" in html
    assert Draft.objects.get().source == THEIRS
    assert post(designer, **fields(html), source=MINE, settle="both", place1="mine").status_code == 302
    assert Draft.objects.get().source == THEIRS.replace("BONUS = 10", "BONUS = 7")


def test_texts_in_two_languages_are_not_merged_line_by_line(designer: Client, script: Script) -> None:
    make_script("result := {points: 1}\n", language="tengo")
    html = post(designer, source=MINE, publish="1", reason="Seven").content.decode()
    assert "written in different languages" in html
    assert "Put both" not in html
