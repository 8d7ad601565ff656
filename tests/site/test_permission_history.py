"""The record of permissions: every change of users, groups and memberships, with who made it and when."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from goby_site.accounts import permission_history

pytestmark = pytest.mark.django_db


@pytest.fixture
def publish() -> Permission:
    return Permission.objects.get(codename="publish_script")


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss", password="made for a test")


@pytest.fixture
def client(boss: User) -> Client:
    found = Client()
    found.force_login(boss)
    return found


def told(subject: str) -> list[list[str]]:
    """The entries of a subject on the page of all, latest first."""
    signs = {"given": "+", "taken": "-", "changed": ""}
    return [
        [f"{signs[line.kind]}{line.text}" for line in change.lines]
        for change in permission_history.latest()
        if change.subject == subject
    ]


def test_a_permission_given_in_the_admin_is_recorded_with_who_gave_it(
    client: Client, publish: Permission, boss: User
) -> None:
    group = Group.objects.create(name="designers")
    address = reverse("admin:auth_group_change", args=[group.pk])
    assert client.post(address, {"name": "designers", "permissions": [publish.pk]}).status_code == 302
    change = permission_history.latest()[0]
    assert (change.subject, change.actor) == ("group designers", "boss")
    assert [line.text for line in change.lines] == ["permission scripting.publish_script"]
    assert client.post(address, {"name": "designers"}).status_code == 302
    assert told("group designers") == [
        ["-permission scripting.publish_script"],
        ["+permission scripting.publish_script"],
        ["+made"],
    ]


def test_memberships_are_recorded_from_whichever_side_they_are_changed(publish: Permission) -> None:
    ann, group = User.objects.create_user("ann"), Group.objects.create(name="designers")
    ann.groups.add(group)
    group.user_set.remove(ann)
    group.user_set.add(ann)
    group.user_set.clear()
    publish.user_set.add(ann)
    publish.group_set.add(group)
    assert told("user ann") == [
        ["+permission scripting.publish_script"],
        ["-group designers"],
        ["+group designers"],
        ["-group designers"],
        ["+group designers"],
        ["+made"],
    ]
    assert told("group designers")[0] == ["+permission scripting.publish_script"]


def test_who_loses_a_group_since_it_is_deleted_is_recorded() -> None:
    ann, group = User.objects.create_user("ann"), Group.objects.create(name="designers")
    ann.groups.add(group)
    number = group.pk
    group.delete()
    assert told("user ann")[0] == [f"-group no. {number}, since deleted"]
    assert told("group designers")[0] == ["-deleted"]


def test_what_a_user_may_do_at_all_is_recorded_and_a_login_is_not() -> None:
    ann = User.objects.create_user("ann")
    ann.is_staff = True
    ann.save()
    ann.last_login = timezone.now()
    ann.save(update_fields=["last_login"])
    assert told("user ann") == [["is staff: no → yes"], ["+made"]]
    assert User.history.count() == 2  # type: ignore[attr-defined]


def test_the_record_holds_no_password(boss: User) -> None:
    stored = {field.name for field in User.history.model._meta.get_fields()}  # type: ignore[attr-defined]
    assert not stored & {"password", "last_login"}


def test_the_pages_of_a_user_and_of_all_tell_it(client: Client, publish: Permission) -> None:
    ann = User.objects.create_user("ann")
    ann.user_permissions.add(publish)
    for address in (reverse("admin:auth_user_history", args=[ann.pk]), reverse("admin:auth_user_record")):
        page = client.get(address).content.decode()
        assert "permission scripting.publish_script" in page
        assert "a command" in page
    old = User.history.filter(id=ann.pk).last()  # type: ignore[attr-defined]
    form = reverse("admin:auth_user_simple_history", args=[ann.pk, old.pk])
    assert client.post(form, {"is_superuser": "on"}).status_code == 302
    ann.refresh_from_db()
    assert not ann.is_superuser, "what was so once is read, not brought back"


def test_the_record_is_for_those_who_may_see_users_and_groups() -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    client = Client()
    client.force_login(viewer)
    assert client.get(reverse("admin:auth_user_record")).status_code == 403
