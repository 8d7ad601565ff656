"""Every form of the admin that somebody may fill in: opened, filled and saved, with what it made or changed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from scripting.models import Script

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "three-blue-harbours-9"


@pytest.fixture
def root(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def address(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def fields_of(answer: Any) -> dict[str, Any]:
    """The form as a browser would send it back unchanged."""
    form = answer.context["adminform"].form
    values: dict[str, Any] = {}
    for name in form.fields:
        bound = form[name]
        widget, value = bound.field.widget, bound.value()
        if hasattr(widget, "widgets"):  # a date and a time, one field each
            for suffix, part in zip(widget.widgets_names, widget.decompress(value), strict=True):
                values[f"{bound.html_name}{suffix}"] = "" if part is None else str(part)
        elif value not in (None, False, []):
            values[bound.html_name] = value
    for formset in answer.context["inline_admin_formsets"]:
        values |= {field.html_name: field.value() or 0 for field in formset.formset.management_form}
    return values


def errors_of(answer: Any) -> Any:
    return answer.context and answer.context.get("adminform") and answer.context["adminform"].form.errors


def test_an_admin_creates_a_user_who_can_log_in(root: Client) -> None:
    page = root.get(address(User, "add"))
    assert set(re.findall(r'name="(username|password1|password2)"', page.content.decode())) == {
        "username",
        "password1",
        "password2",
    }
    given = fields_of(page) | {"username": "anna", "password1": PASSWORD, "password2": PASSWORD}
    answer = root.post(address(User, "add"), given)
    assert answer.status_code == 302, errors_of(answer)
    assert authenticate(username="anna", password=PASSWORD) == User.objects.get(username="anna")


def test_a_user_is_given_staff_groups_and_permissions(root: Client) -> None:
    anna, designers = User.objects.create_user("anna"), Group.objects.create(name="designers")
    change = address(User, "change", anna.pk)
    given = fields_of(root.get(change)) | {"is_staff": "on", "groups": [designers.pk], "first_name": "Anna"}
    answer = root.post(change, given)
    assert answer.status_code == 302, errors_of(answer)
    anna.refresh_from_db()
    assert (anna.is_staff, anna.first_name, list(anna.groups.all())) == (True, "Anna", [designers])


def test_a_group_is_made_and_changed(root: Client) -> None:
    may = Permission.objects.get(codename="publish_script")
    answer = root.post(address(Group, "add"), {"name": "publishers", "permissions": [may.pk]})
    assert answer.status_code == 302, errors_of(answer)
    group = Group.objects.get(name="publishers")
    assert list(group.permissions.all()) == [may]
    change = address(Group, "change", group.pk)
    answer = root.post(change, fields_of(root.get(change)) | {"name": "release"})
    assert answer.status_code == 302, errors_of(answer)
    assert Group.objects.filter(name="release").exists()


@pytest.mark.slow
def test_every_form_that_may_be_opened_has_fields_and_says_what_is_missing(root: Client, script: Script) -> None:
    """Every registered model: its add page offers something to fill in, and an empty one is refused with words."""
    request: Any = type("Request", (), {"user": User.objects.get(username="root")})()
    opened = []
    for model, page in admin.site._registry.items():
        if not page.has_add_permission(request):
            assert root.get(address(model, "add")).status_code == 403, model
            continue
        where = address(model, "add")
        answer = root.get(where, follow=True)
        assert answer.status_code == 200, where
        assert re.search(r"<(input|textarea|select)[^>]+name=\"(?!csrf|q\b)\w+\"", answer.content.decode()), where
        refused = root.post(where, {}, follow=True)
        assert refused.status_code in {200, 422}, where
        assert "required" in refused.content.decode(), where
        opened.append(model)
    assert User in opened
    assert Group in opened


def test_every_change_form_of_a_record_is_opened_and_saved_as_it_is(root: Client, script: Script) -> None:
    for model, page in admin.site._registry.items():
        record = model._default_manager.first()
        request: Any = type("Request", (), {"user": User.objects.get(username="root"), "method": "GET"})()
        if record is None or not page.has_change_permission(request, record):
            continue
        where = address(model, "change", record.pk)
        opened = root.get(where)
        assert opened.status_code == 200, where
        if "adminform" not in opened.context:
            continue
        saved = root.post(where, fields_of(opened))
        assert saved.status_code in {302, 405}, (where, errors_of(saved))
