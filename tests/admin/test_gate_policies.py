"""Policies of the gate in the admin: made and changed with a reason, by who may; told to everybody else."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from scripting.models import GatePolicy, Script
from scripting.registry.gate_policies import Mode, Policies
from tests.admin.people import staff

pytestmark = pytest.mark.django_db(transaction=True)

GIVEN = {
    "scope": "chess_club", "mode": "require", "last": "500", "max_failing": "0", "max_refused": "0",
    "max_left": "", "max_changed": "12.5", "max_red": "0", "reason": "before the tournament",
    "play_limits": "white wins 45..55 %", "plays": "300",
    "approval": "none", "alone": "0.5",
}  # fmt: skip


@pytest.fixture
def admin(db: None) -> Client:
    return staff("root", "view_gatepolicy", "change_gatepolicy")


@pytest.mark.slow
def test_a_policy_is_made_and_changed_with_a_reason_and_its_history_is_shown(script: Script, admin: Client) -> None:
    add, changelist = reverse("admin:scripting_gatepolicy_add"), reverse("admin:scripting_gatepolicy_changelist")
    form = admin.get(add).content.decode()
    assert "the whole site" in form
    assert "chess_club/dice" in form
    without = admin.post(add, GIVEN | {"reason": ""})
    assert "Say why" in without.content.decode()
    assert not GatePolicy.objects.exists()
    assert admin.post(add, GIVEN).status_code == 302
    policy = Policies.read().of(script)
    assert (policy.scope, policy.mode, policy.last, policy.max_left, policy.max_changed) == (
        "module chess_club",
        Mode.REQUIRE,
        500,
        None,
        12.5,
    )
    assert "It has a policy already" not in form
    change = reverse("admin:scripting_gatepolicy_change", args=[policy.pk])
    assert (str(policy.limits_of_plays[0]), policy.plays) == ("white wins 45 to 55 %", 300)
    assert "write a measure and its bounds" in admin.post(change, GIVEN | {"play_limits": "white"}).content.decode()
    assert admin.post(change, GIVEN | {"mode": "off", "reason": "it is over"}).status_code == 302
    shown = admin.get(change).content.decode()
    assert "before the tournament" in shown
    assert "it is over" in shown
    assert "module chess_club" in admin.get(changelist).content.decode()
    assert Policies.read().of(script).mode == Mode.OFF
    assert [each.history_user.username for each in policy.history.all()] == ["root", "root"]


def test_everything_that_the_form_offers_can_have_a_policy_the_whole_site_too(script: Script, admin: Client) -> None:
    add = reverse("admin:scripting_gatepolicy_add")
    [choices] = re.findall(r'<select name="scope".*?</select>', admin.get(add).content.decode(), re.DOTALL)
    offered = re.findall(r'<option value="(.*?)"', choices)
    assert len(offered) > 2
    assert [admin.post(add, GIVEN | {"scope": scope}).status_code for scope in offered] == [302] * len(offered)
    assert GatePolicy.objects.get(module="", name="").scope == "the whole site"


def test_a_second_policy_of_one_scope_is_not_offered(script: Script, admin: Client) -> None:
    admin.post(reverse("admin:scripting_gatepolicy_add"), GIVEN)
    again = admin.post(reverse("admin:scripting_gatepolicy_add"), GIVEN)
    assert again.status_code == 200
    assert GatePolicy.objects.count() == 1


def test_who_may_only_look_sees_policies_and_changes_none(script: Script, admin: Client) -> None:
    admin.post(reverse("admin:scripting_gatepolicy_add"), GIVEN)
    viewer = staff("viewer", "view_gatepolicy")
    change = reverse("admin:scripting_gatepolicy_change", args=[GatePolicy.objects.get().pk])
    assert "12.5" in viewer.get(change).content.decode()
    assert viewer.post(change, GIVEN | {"mode": "off"}).status_code == 403
    assert viewer.get(reverse("admin:scripting_gatepolicy_add")).status_code == 403
    assert Policies.read().of(script).mode == Mode.REQUIRE
    assert (
        admin.post(reverse("admin:scripting_gatepolicy_delete", args=[GatePolicy.objects.get().pk])).status_code == 403
    )
