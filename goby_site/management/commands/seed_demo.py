"""`manage.py seed_demo`: the roles as groups, and a demo login for each."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.core.management.base import BaseCommand
from django.db import transaction

from goby_site.accounts.demo import DEMO_GROUP
from goby_site.accounts.demo_logins import Seen, demo_passwords, logins_place
from goby_site.accounts.roles import ADMIN_GROUP
from scripting.access import roles


class Command(BaseCommand):
    help = "Makes the groups designer, admin, viewer and tuner with their permissions, and a demo login in each."

    @transaction.atomic
    def handle(self, *_args: Any, **_options: Any) -> None:
        for role in (roles.VIEWER, roles.DESIGNER, roles.TUNER):
            self.group(role, roles.permissions_of(role))
        self.group(ADMIN_GROUP, list(Permission.objects.all()))
        marker, _ = Group.objects.get_or_create(name=DEMO_GROUP)
        passwords, seen = demo_passwords(), Seen()
        logins = [(password, self.login(role, password, marker, seen)) for role, password in passwords.items()]
        seen.keep((password, user.password) for password, user in logins if user is not None)
        self.stdout.write(f"Demo logins are ready: {', '.join(passwords)} (passwords in {logins_place()}).")

    def group(self, name: str, permissions: list[Permission]) -> None:
        """A group with exactly these permissions."""
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set(permissions)

    def login(self, role: str, password: str, marker: Group, seen: Seen) -> User | None:
        """The demo user of a role, with its password of var/demo-logins. A user of that name who is not ours stays: None."""
        user, made = User.objects.get_or_create(username=role)
        if not made and not user.groups.filter(pk=marker.pk).exists():
            self.stderr.write(self.style.WARNING(f"The user {role} is not a demo login and stays as it is."))
            return None
        # Nobody asks whether a user that was just made has it: Django would work out a hash to say no.
        has_it = not made and (seen.has(password, user.password) or user.check_password(password))
        as_it_is = user.is_staff and user.is_superuser == (role == ADMIN_GROUP) and has_it
        if not as_it_is:  # a save that changes nothing would stand in the record of permissions
            user.is_staff = True
            user.is_superuser = role == ADMIN_GROUP
            user.set_password(password)
            user.save()
        user.groups.set([Group.objects.get(name=role), marker])
        return user
