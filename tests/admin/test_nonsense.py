"""Wrong addresses and query strings in the admin are the caller's fault, and are answered as such."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from scripting.models import Script
from tests.admin.people import page

pytestmark = pytest.mark.django_db(transaction=True)

RECORDED = ("scripting_script", "auth_user", "auth_group")
LISTS = (*RECORDED, "scripting_scriptversion", "scripting_activation", "scripting_errorgroup")
TOO_LARGE = "9" * 24
NUMBERS = ("x", "-1", "1.5", "_00", "\u00b2", TOO_LARGE, "9" * 5000)


@pytest.fixture
def root(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def list_of(model: str) -> str:
    return reverse(f"admin:{model}_changelist")


@pytest.mark.parametrize("model", RECORDED)
def test_a_history_of_nothing_is_not_found(script: Script, root: Client, model: str) -> None:
    for number in NUMBERS:
        assert root.get(f"{list_of(model)}{number}/history/").status_code == 404, number


def test_a_record_of_a_history_that_is_not_there_is_not_found(script: Script, root: Client) -> None:
    record = script.history.latest().history_id
    assert root.get(page(script, "history", str(record))).status_code == 200
    for number in NUMBERS:
        assert root.get(page(script, "history", number)).status_code == 404, number
        assert root.get(f"{list_of('scripting_script')}{number}/history/{record}/").status_code == 404, number


@pytest.mark.parametrize("model", ["auth_user", "auth_group"])
def test_who_may_not_see_a_history_is_refused_whatever_the_address(designer: Client, model: str) -> None:
    for number in ("1", *NUMBERS):
        assert designer.get(f"{list_of(model)}{number}/history/").status_code == 403, number


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "lookup"),
    [
        *((model, f"id__in={TOO_LARGE}") for model in LISTS),
        ("scripting_script", "created_at__year=99999999999"),
        ("scripting_script", "created_at__year=10000"),
        ("scripting_script", "created_at__year=-1"),
        ("scripting_script", "created_at__year__gt=99999999999"),
        ("scripting_script", "created_at__iso_year=99999999999"),
        ("scripting_script", "name__regex=("),
        ("scripting_script", "name__iregex=(a%2B)%2B$"),
        ("scripting_script", "name__exact=%00"),
        ("scripting_scriptversion", f"number__in=3,{TOO_LARGE}"),
        ("scripting_scriptversion", "module=%00"),
        ("scripting_activation", "created_at__year=99999999999"),
        ("scripting_activation", "cause__exact=%00"),
        ("scripting_errorgroup", "last_seen__year=0"),
        ("auth_user", "last_login__year=99999999999"),
    ],
)
def test_a_lookup_of_nonsense_leads_to_the_list_as_it_is(script: Script, root: Client, model: str, lookup: str) -> None:
    answer = root.get(f"{list_of(model)}?{lookup}")
    if answer.status_code == 200:  # a database that can look for it finds nothing
        assert answer.context["cl"].result_count == 0
    else:
        assert (answer.status_code, answer["Location"]) == (302, f"{list_of(model)}?e=1")
        assert root.get(answer["Location"]).status_code == 200


@pytest.mark.slow
def test_a_number_too_large_for_the_database_is_of_no_row(script: Script, root: Client) -> None:
    for lookup in (f"id={TOO_LARGE}", f"id__gt={TOO_LARGE}", f"script={TOO_LARGE}", f"version__number={TOO_LARGE}"):
        for model in LISTS:
            assert root.get(f"{list_of(model)}?{lookup}").status_code in {200, 302, 400}, (model, lookup)


@pytest.mark.parametrize("row", ["x", TOO_LARGE, "\0"])
def test_an_action_on_rows_that_no_list_has_is_a_bad_request(script: Script, root: Client, row: str) -> None:
    data = {"action": "extract_selected", "_selected_action": row, "index": "0"}
    assert root.post(list_of("scripting_script"), data).status_code == 400
