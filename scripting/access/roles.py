"""The roles that people have: which permissions of scripting and of the site's modules each takes."""

from __future__ import annotations

from collections.abc import Iterable

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

from scripting.modules.installed import modules

VIEWER, DESIGNER, ADMIN, TUNER = ROLES = ("viewer", "designer", "admin", "tuner")
_DESIGNER = (
    "scripting.approve_review",
    "scripting.change_script",
    "scripting.edit_script",
    "scripting.publish_script",
    "scripting.run_script",
    "scripting.tune_script",
)
_TUNER = ("scripting.tune_script",)
"""Nothing else: who sets numbers need not see the texts they stand in."""
_CLOSED = "(apitoken|alertreceiver|alertmessage)$"
"""Records that hold, or tell, what opens something: an address of a chat is all that it takes to write there."""
_OWN = {DESIGNER: _DESIGNER, TUNER: _TUNER}


def permissions_of(role: str) -> list[Permission]:
    """Collect the permissions of a role. Raises LookupError for a permission that a module names and no model defines."""
    ours = Permission.objects.filter(content_type__app_label__in=["scripting", *_labels_of_modules()])
    if role == ADMIN:
        return list(ours)
    views = ours.filter(codename__startswith="view_").exclude(codename__regex=_CLOSED)
    found = [] if role == TUNER else list(views)
    named = [name for module in modules for name in module.permissions.get(role, ())]
    return found + [permission_named(name) for name in [*_OWN.get(role, ()), *named]]


@transaction.atomic
def make_roles() -> dict[str, int]:
    """Make the groups, or give them what they lack; what else they may do stays theirs. How many permissions each got."""
    given = {}
    for role in ROLES:
        group, _ = Group.objects.get_or_create(name=role)
        missing = set(permissions_of(role)) - set(group.permissions.all())
        group.permissions.add(*missing)
        given[role] = len(missing)
    return given


def permission_named(name: str) -> Permission:
    """The permission `app.codename`. Raises LookupError."""
    app, _, codename = name.partition(".")
    found = Permission.objects.filter(Q(content_type__app_label=app), codename=codename).first()
    if found is None:
        raise LookupError(f"no model defines the permission {name}: run migrate, or correct the module's `permissions`")
    return found


def _labels_of_modules() -> Iterable[str]:
    """The labels of the apps that the modules come from."""
    owners = [apps.get_containing_app_config(module.package) for module in modules]
    return {owner.label for owner in owners if owner is not None}
