"""Who looks at the admin's pages in the tests of this folder, and the addresses of a script's."""

from __future__ import annotations

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from scripting.models import Script

SEES = ("view_script", "view_scriptversion", "view_execution", "view_activation")


def staff(name: str, *codenames: str) -> Client:
    """Someone who may look at everything of scripts, and do what is named."""
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=(*SEES, *codenames)))
    client = Client()
    client.force_login(user)
    return client


def page(script: Script, *more: str) -> str:
    """The address of one of a script's pages: `page(script, "rollback", "1")`."""
    return "/".join([reverse("admin:scripting_script_change", args=[script.pk]).removesuffix("/change/"), *more]) + "/"
