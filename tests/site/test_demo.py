"""Demo logins: a login for each role, from this machine alone, and only while GOBY_DEMO is on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import BACKEND_SESSION_KEY, get_user_model
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings

from goby_site.accounts.demo_guard import DemoSocketsFromHereOnly
from goby_site.accounts.demo_logins import demo_passwords, logins_place

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def seeded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The logins, made once: each test begins with them, since its own transaction is one in this one."""
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("seed_demo")
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def demo(settings: Settings) -> None:
    settings.GOBY_DEMO = True


def log_in(client: Client, role: str, **headers: str) -> bool:
    """Whether the login form of the admin lets the role in."""
    form = {"username": role, "password": demo_passwords()[role]}
    response = client.post("/admin/login/?next=/healthz", form, **headers)  # type: ignore[arg-type]
    return response.status_code == 302


def test_the_login_page_says_where_the_passwords_are_to_whom_they_let_in(client: Client, settings: Settings) -> None:
    place = logins_place().encode()
    assert place in client.get("/admin/login/").content
    assert place not in client.get("/admin/login/", REMOTE_ADDR="192.0.2.7").content
    settings.GOBY_DEMO = False
    assert place not in client.get("/admin/login/").content


def test_the_passwords_are_told_to_lie_where_they_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOBY_VAR", str(tmp_path / "elsewhere"))
    passwords = demo_passwords()
    assert Path(logins_place()).read_text().split() == [word for pair in passwords.items() for word in pair]
    monkeypatch.delenv("GOBY_VAR")
    assert logins_place() == "var/demo-logins"


def test_whoever_logs_out_is_led_back_to_the_battle(client: Client) -> None:
    log_in(client, "designer")
    assert b"Watch the battle" in client.post("/admin/logout/").content


@pytest.mark.slow
@pytest.mark.parametrize("role", ["designer", "admin", "viewer", "tuner"])
@pytest.mark.parametrize("address", ["127.0.0.1", "127.3.2.1", "::1"])
def test_a_demo_login_works_from_this_machine(client: Client, role: str, address: str) -> None:
    assert log_in(client, role, REMOTE_ADDR=address)


@pytest.mark.slow
@pytest.mark.parametrize(
    "headers",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.7"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1, 192.0.2.7"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "unknown"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},  # of a proxy that nobody named
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_REAL_IP": "127.0.0.1"},
        {"REMOTE_ADDR": ""},
    ],
)
def test_a_demo_login_is_refused_from_elsewhere(client: Client, headers: dict[str, str]) -> None:
    assert not log_in(client, "admin", **headers)


def test_a_demo_login_is_refused_while_the_flag_is_off(client: Client, settings: Settings) -> None:
    settings.GOBY_DEMO = False
    assert not log_in(client, "designer")


def test_a_demo_session_ends_when_the_flag_goes_off(client: Client, settings: Settings) -> None:
    assert log_in(client, "admin")
    assert client.get("/django-rq/").status_code == 200
    settings.GOBY_DEMO = False
    assert client.get("/django-rq/").status_code == 302


def test_a_demo_session_counts_for_nothing_from_elsewhere(client: Client) -> None:
    assert log_in(client, "admin")
    assert client.get("/django-rq/", REMOTE_ADDR="192.0.2.7").status_code == 302


@pytest.mark.parametrize(
    ("peer", "forwarded", "known"),
    [
        ("127.0.0.1", b"", True),
        ("192.0.2.7", b"", False),
        ("127.0.0.1", b"192.0.2.7", False),
        ("127.0.0.1", b"192.0.2.7|127.0.0.1", False),
    ],
)
def test_a_demo_login_counts_for_nothing_on_a_socket_from_elsewhere(peer: str, forwarded: bytes, known: bool) -> None:
    seen: list[bool] = []

    async def page(scope: dict[str, Any], receive: object, send: object) -> None:
        seen.append(scope["user"].is_authenticated)

    user = User.objects.get(username="designer")
    user.is_demo_login = True  # as the session's backend says
    scope = {"type": "websocket", "user": user, "client": (peer, 5)}
    scope["headers"] = [
        (b"x-forwarded-for", address) for address in forwarded.split(b"|") if address
    ]  # it may come twice
    async_to_sync(DemoSocketsFromHereOnly(page))(scope, None, None)
    assert seen == [known]


def test_other_users_do_not_depend_on_the_flag_or_the_address(client: Client, settings: Settings) -> None:
    settings.GOBY_DEMO = False
    User.objects.create_superuser("root", password="long enough to be one")
    form = {"username": "root", "password": "long enough to be one"}
    assert client.post("/admin/login/?next=/healthz", form, REMOTE_ADDR="192.0.2.7").status_code == 302
    assert client.get("/django-rq/", REMOTE_ADDR="192.0.2.7").status_code == 200


def test_seeding_leaves_a_user_of_the_same_name_who_is_no_demo_login_alone() -> None:
    User.objects.filter(username="designer").delete()
    User.objects.create_user("designer", password="their own")
    call_command("seed_demo")
    own = get_user_model().objects.get(username="designer")
    assert own.check_password("their own")
    assert not own.is_staff


def test_seeding_again_works_out_no_hash_and_a_password_that_was_changed_is_put_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    User.objects.all().delete()
    call_command("seed_demo")
    worked_out = []
    check = User.check_password
    monkeypatch.setattr(
        User, "check_password", lambda user, text: worked_out.append(user.username) or check(user, text)
    )
    call_command("seed_demo")
    assert worked_out == []
    User.objects.get(username="viewer").delete()
    call_command("seed_demo")
    assert worked_out == [], "who was just made cannot have it"
    viewer = User.objects.get(username="viewer")
    viewer.set_password("something else")
    viewer.save()
    call_command("seed_demo")
    assert worked_out == ["viewer"]
    assert check(User.objects.get(username="viewer"), demo_passwords()["viewer"])


def test_the_roles_may_what_they_should() -> None:
    designer, admin, viewer = (User.objects.get(username=name) for name in ("designer", "admin", "viewer"))
    publish, play, view = "scripting.publish_script", "wargame.play_game", "scripting.view_execution"
    assert designer.has_perms([publish, "scripting.edit_script", "scripting.run_script", play, view])
    assert viewer.has_perm(view)
    assert not viewer.has_perm(publish)
    assert not viewer.has_perm(play)
    assert not designer.has_perm("auth.change_user")
    assert admin.has_perms([publish, play, view, "auth.change_user"])


@pytest.mark.slow
def test_the_queues_are_for_role_admin_alone(client: Client) -> None:
    assert client.get("/django-rq/").status_code == 302
    for role, status in (("viewer", 403), ("designer", 403), ("admin", 200)):
        assert log_in(client, role)
        assert client.get("/django-rq/").status_code == status, role
        assert client.get("/django-rq/queues/0/").status_code == status, role
        assert client.get("/django-rq/stats.json").status_code == status, role
        assert client.get("/admin/django_rq/dashboard/").status_code == 404, "a second way in, for all staff"


def test_queues_that_are_not_opened_are_nowhere_for_anybody(client: Client, settings: Settings) -> None:
    settings.GOBY_QUEUES = False
    for role in (None, "admin"):
        if role:
            assert log_in(client, role)
        assert {client.get(f"/django-rq/{page}").status_code for page in ("", "queues/0/", "stats.json")} == {404}
    assert "/django-rq/" not in client.get("/admin/").content.decode()


def test_an_admin_by_group_sees_the_queues_too(client: Client) -> None:
    user = User.objects.create_user("second", password="x", is_staff=True)
    user.groups.add(Group.objects.get(name="admin"))
    client.force_login(user)
    assert client.get("/django-rq/").status_code == 200


@pytest.mark.parametrize("page", ["/admin/", "/scripts/", "/", "/django-rq/"])
def test_a_login_made_before_an_upgrade_moved_the_backend_ends_at_the_login_page(client: Client, page: str) -> None:
    log_in(client, "admin")
    session = client.session
    session[BACKEND_SESSION_KEY] = "goby_site.demo.DemoAwareBackend"
    session.save()
    answer = client.get(page, follow=True)
    assert answer.status_code == 200
    assert answer.redirect_chain, page
    assert not answer.context["user"].is_authenticated
    assert log_in(client, "admin")
    assert client.get("/admin/").status_code == 200
