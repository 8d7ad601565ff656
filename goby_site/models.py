"""The record of who may do what: every change of users, groups, memberships and permissions, kept by simple-history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import Model
from simple_history.models import HistoricalRecords

UNRECORDED = {"last_login", "password"}
"""A login writes these alone; neither is kept in the record."""


class Records(HistoricalRecords):  # type: ignore[misc] # simple-history is not typed
    """simple-history's, which also see what is changed from a relation's other side, and no login."""

    @classmethod
    def of(cls, model: type[Model], **options: Any) -> Records:
        """Begin to record a model of another app, as `simple_history.register` does."""
        records = cls(**options)
        records.manager_name, records.table_name = "history", None
        records.module, records.cls = __name__, model
        records.add_extra_methods(model)
        records.finalize(model)
        return records

    def post_save(self, instance: Model, created: bool, using: str | None = None, **kwargs: Any) -> None:
        fields = kwargs.get("update_fields")
        if fields is None or not UNRECORDED.issuperset(fields):
            super().post_save(instance, created, using, **kwargs)

    def m2m_changed(self, instance: Any, action: str, attr: str, pk_set: Any, reverse: bool, **kwargs: Any) -> None:
        if not reverse:
            super().m2m_changed(instance, action, attr, pk_set, reverse, **kwargs)
        elif action == "pre_clear":
            instance._cleared = self.keys_with(attr, instance)
        elif action in {"post_add", "post_remove", "post_clear"}:
            self.record(instance._cleared if action == "post_clear" else pk_set)

    def pre_delete(self, instance: Any, **kwargs: Any) -> None:
        super().pre_delete(instance, **kwargs)
        if self.cls is Group:
            instance._cleared = USERS.keys_with("groups", instance)

    def post_delete(self, instance: Any, using: str | None = None, **kwargs: Any) -> None:
        super().post_delete(instance, using, **kwargs)
        if self.cls is Group:
            USERS.record(instance._cleared)

    def keys_with(self, field: str, related: Model) -> list[Any]:
        return list(self.cls._default_manager.filter(**{field: related}).values_list("pk", flat=True))

    def record(self, keys: Iterable[Any]) -> None:
        """A record of each of these as it is now."""
        for one in self.cls._default_manager.filter(pk__in=keys):
            self.create_historical_record(one, "~")


USERS = Records.of(User, excluded_fields=sorted(UNRECORDED), m2m_fields=["groups", "user_permissions"])
GROUPS = Records.of(Group, m2m_fields=["permissions"])
