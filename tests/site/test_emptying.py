"""A test that commits leaves nothing to the next one, whatever it did to content types and permissions."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

from tests.support import emptying

pytestmark = pytest.mark.django_db(transaction=True)

KEPT: list[object] = []
"""The connection of the first test that looks at it."""


@pytest.mark.parametrize("time", ["first", "again"])
def test_rows_that_refer_to_each_other_are_gone_and_permissions_are_there(time: str) -> None:
    assert (User.objects.count(), Group.objects.count()) == (0, 0)
    publish = Permission.objects.get(codename="publish_script")
    group = Group.objects.create(name="writers")
    group.permissions.add(publish)
    User.objects.create_user("someone").groups.add(group)


@pytest.mark.parametrize("time", ["first", "again"])
def test_a_permission_that_a_test_made_or_deleted_is_put_right(time: str) -> None:
    kind = ContentType.objects.get_for_model(Group)
    assert not Permission.objects.filter(codename="made_up").exists()
    Permission.objects.get(codename="publish_script").delete()
    Permission.objects.create(codename="made_up", name="Made up", content_type=kind)


def test_nothing_but_what_is_kept_is_left_by_the_quick_way() -> None:
    User.objects.create_user("someone")
    before = emptying.kept_rows()
    emptying.empty_the_rest()
    assert not User.objects.exists()
    assert emptying.kept_rows() == before


@pytest.mark.parametrize("time", ["first", "again"])
def test_a_connection_stays_and_is_as_a_new_one(time: str) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT pg_try_advisory_lock(7), current_setting('enable_seqscan'), current_setting('timezone')"
            )
            assert cursor.fetchone() == (True, "on", "UTC")
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
            assert cursor.fetchone() == (1,), "the lock of the test before is gone"
            cursor.execute("SET enable_seqscan = off; SET timezone = 'Asia/Tokyo'")
    transaction.set_autocommit(False)
    assert not emptying.is_as_new(), "this one would be closed"
    transaction.set_autocommit(True)
    if KEPT:
        assert connection.connection is KEPT[0]
    KEPT.append(connection.connection)
