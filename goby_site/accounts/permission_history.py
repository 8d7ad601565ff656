"""Tells the record of users and groups in words: who was given or lost which permission, when, and by whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse

SHOWN = 100
"""Records of users, and of groups, that the page of all looks at."""
WORDS = {
    "username": "name",
    "name": "name",
    "first_name": "first name",
    "last_name": "last name",
    "email": "email",
    "is_active": "may log in",
    "is_staff": "is staff",
    "is_superuser": "may do everything",
}


@dataclass(frozen=True)
class Line:
    """One thing that changed; `kind` is `given`, `taken` or `changed`."""

    kind: str
    text: str


@dataclass(frozen=True)
class Change:
    """One record as shown. `address` is the history of whom it is about."""

    at: datetime
    actor: str
    subject: str
    address: str
    lines: tuple[Line, ...]


RELATIONS = {
    "groups": ("group_id", "group"),
    "permissions": ("permission_id", "permission"),
    "user_permissions": ("permission_id", "permission"),
}
"""The columns of related keys, and what they are keys of."""


def latest() -> list[Change]:
    """The changes of all users and groups, latest first; records in which nothing changed are left out."""
    found: list[tuple[Any, tuple[Line, ...]]] = []
    for model in (User, Group):
        records = list(model.history.select_related("history_user").order_by("-history_id")[:SHOWN])  # type: ignore[union-attr]
        found += zip(records, lines_of(records), strict=True)
    found.sort(key=lambda pair: (pair[0].history_date, pair[0].history_id), reverse=True)
    exist = {model: set(model._default_manager.values_list("pk", flat=True)) for model in (User, Group)}
    return [
        Change(record.history_date, actor_of(record), *subject_of(record, exist), lines)
        for record, lines in found
        if lines
    ]


def lines_of(records: Sequence[Any]) -> list[tuple[Line, ...]]:
    """How each of these records of users, or of groups, differs from the one before it. Latest first."""
    if not records:
        return []
    before = {record.pk: one_before(record, records[place + 1 :]) for place, record in enumerate(records)}
    every = {record.pk: record for record in [*records, *filter(None, before.values())]}
    relations = [(name, *RELATIONS[name]) for name in RELATIONS if hasattr(records[0], name)]
    keys = {name: keys_by_record(records[0], name, column, every) for name, column, _ in relations}
    names = {"group": group_names(), "permission": permission_names()}
    told = []
    for record in records:
        old = before[record.pk]
        lines = settings_lines(record, old)
        for name, _, kind in relations if record.history_type != "-" else ():
            had, has = keys[name].get(old.pk, set()) if old else set(), keys[name].get(record.pk, set())
            for sign, changed in (("given", has - had), ("taken", had - has)):
                lines += [
                    Line(sign, f"{kind} {names[kind].get(key, f'no. {key}, since deleted')}") for key in sorted(changed)
                ]
        told.append(tuple(lines))
    return told


def one_before(record: Any, older: Sequence[Any]) -> Any:
    """The record of the same user or group before this one: among these older ones, or in the database."""
    known = next((one for one in older if one.id == record.id), None)
    if known is not None:
        return known
    return type(record).objects.filter(id=record.id, history_id__lt=record.pk).order_by("-history_id").first()


def keys_by_record(any_record: Any, name: str, column: str, records: Iterable[int]) -> dict[int, set[int]]:
    """The keys of a relation that each record has."""
    found: dict[int, set[int]] = {}
    rows = getattr(any_record, name).model.objects.filter(history_id__in=list(records))
    for record, key in rows.values_list("history_id", column):
        found.setdefault(record, set()).add(key)
    return found


def settings_lines(record: Any, before: Any) -> list[Line]:
    if record.history_type == "-":
        return [Line("taken", "deleted")]
    if before is None:
        return [Line("given", "made" if record.history_type == "+" else "first recorded")]
    pairs = [
        (words, getattr(before, name), getattr(record, name)) for name, words in WORDS.items() if hasattr(record, name)
    ]
    return [Line("changed", f"{words}: {show(old)} → {show(new)}") for words, old, new in pairs if old != new]


def group_names() -> dict[int, str]:
    return dict(Group.objects.values_list("pk", "name"))


def permission_names() -> dict[int, str]:
    found = Permission.objects.values_list("pk", "content_type__app_label", "codename")
    return {pk: f"{app}.{codename}" for pk, app, codename in found}


def subject_of(record: Any, exist: Mapping[Any, set[int]]) -> tuple[str, str]:
    """Whom a record is about, and the address of their history, empty once they are deleted."""
    kind, name, model = (
        ("user", record.username, User) if hasattr(record, "username") else ("group", record.name, Group)
    )
    address = reverse(f"admin:auth_{kind}_history", args=[record.id]) if record.id in exist[model] else ""
    return f"{kind} {name}", address


def actor_of(record: Any) -> str:
    """Who made the change; empty for a command."""
    return str(record.history_user or "")


def show(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "none"
