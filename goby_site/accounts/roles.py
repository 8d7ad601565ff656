"""The role admin: who may see what belongs to no app."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser, User

ADMIN_GROUP = "admin"


def is_role_admin(user: User | AnonymousUser) -> bool:
    """Whether `user` has the role admin: an active member of staff who is superuser or in the group `admin`."""
    if not (user.is_active and user.is_staff):
        return False
    return user.is_superuser or user.groups.filter(name=ADMIN_GROUP).exists()
