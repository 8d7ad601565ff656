"""A request reads its session and its user with one statement each, and nothing of a session that is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from goby_site.accounts.demo import DEMO_GROUP, DemoAwareBackend
from goby_site.accounts.sessions import SessionStore

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> SessionStore:
    made = SessionStore()
    made["drink"] = "cider"
    made.create()
    return made


def test_a_session_holds_what_was_put_in_it_and_is_read_by_one_statement(
    session: SessionStore, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    read = SessionStore(session.session_key)
    with django_assert_num_queries(1):
        assert dict(read.items()) == {"drink": "cider"}
    assert read.session_key == session.session_key


def test_a_session_that_is_over_is_empty_and_loses_its_key(session: SessionStore) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    read = SessionStore(session.session_key)
    assert list(read.items()) == []
    assert read.session_key is None


@pytest.mark.parametrize("key", ["a" * 32, "é" * 40, "' OR 1=1 --"])
def test_a_key_that_nobody_was_given_opens_nothing(session: SessionStore, key: str) -> None:
    read = SessionStore(key)
    assert list(read.items()) == []
    assert read.session_key is None


def test_the_user_of_a_session_is_the_same_as_one_that_the_orm_reads(
    django_assert_num_queries: DjangoAssertNumQueries, settings: Settings
) -> None:
    settings.GOBY_DEMO = True
    made = User.objects.create_user("ada", "ada@example.org", "x", last_login=timezone.now(), first_name="Ada")
    with django_assert_num_queries(1):
        found: Any = DemoAwareBackend().get_user(made.pk)
        assert found.is_demo_login is False
    usual = User.objects.get(pk=made.pk)
    columns = [field.attname for field in User._meta.concrete_fields]
    assert [getattr(found, name) for name in columns] == [getattr(usual, name) for name in columns]
    assert found._state.db == usual._state.db
    found.first_name = "Augusta"
    found.save()
    assert User.objects.get().first_name == "Augusta"
    made.groups.add(Group.objects.create(name=DEMO_GROUP))
    found = DemoAwareBackend().get_user(made.pk)
    assert found.is_demo_login is True


def test_who_is_no_longer_there_or_may_no_longer_come_in_is_nobody(client: Client) -> None:
    user = User.objects.create_superuser("boss")
    client.force_login(user)
    assert client.session[BACKEND_SESSION_KEY] == f"{DemoAwareBackend.__module__}.{DemoAwareBackend.__qualname__}"
    assert client.get("/admin/").status_code == 200
    User.objects.update(is_active=False)
    assert client.get("/admin/").status_code == 302
    User.objects.update(is_active=True)
    assert client.get("/admin/").status_code == 200
    user.delete()
    assert client.get("/admin/").status_code == 302


def test_a_user_may_what_was_given_to_them_and_to_their_groups(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    user, group = User.objects.create_user("ada"), Group.objects.create(name="readers")
    user.groups.add(group, Group.objects.create(name="nothing"))
    mine, ours, *_ = Permission.objects.order_by("pk")
    user.user_permissions.add(mine)
    group.permissions.add(ours)
    found: Any = DemoAwareBackend().get_user(user.pk)
    name = f"{mine.content_type.app_label}.{mine.codename}"
    with django_assert_num_queries(2):
        has = found.get_all_permissions()
        assert found.has_perm(name)
    assert has == ModelBackend().get_all_permissions(User.objects.get(pk=user.pk))
    assert len(has) == 2
