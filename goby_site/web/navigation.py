"""The side bar of the admin: that of the scripting engine, and what the site itself adds to it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse, reverse_lazy

from goby_site.accounts.roles import is_role_admin
from scripting.admin import site


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of the side bar; each item only for who may see it."""
    groups = site.navigation(request)
    next(item for item in groups[-1]["items"] if item["title"] == "Users")["active"] = is_at_users
    groups.insert(
        -1,
        {
            "title": "Wargame",
            "separator": True,
            "items": [
                {
                    "title": "Battles",
                    "icon": "swords",
                    "link": reverse_lazy("admin:wargame_game_changelist"),
                    "permission": may_see_battles,
                },
                {
                    "title": "Battle log",
                    "icon": "history_edu",
                    "link": reverse_lazy("admin:wargame_battlelogentry_changelist"),
                    "permission": may_see_log,
                },
            ],
        },
    )
    groups[-1]["items"] += [
        {
            "title": "Record of permissions",
            "icon": "policy",
            "link": reverse_lazy("admin:auth_user_record"),
            "permission": may_see_record,
        },
        {
            "title": "Queues",
            "icon": "list_alt",
            "link": reverse_lazy("django_rq:home"),
            "permission": may_see_queues,
        },
    ]
    return groups


def may_see_battles(request: HttpRequest) -> bool:
    return request.user.has_perm("wargame.view_game")


def may_see_log(request: HttpRequest) -> bool:
    return request.user.has_perm("wargame.view_battlelogentry")


def is_at_users(request: HttpRequest) -> bool:
    """The record lies below the address of the users, and is an item of its own."""
    at = reverse("admin:auth_user_changelist")
    return request.path.startswith(at) and request.path != reverse("admin:auth_user_record")


def may_see_record(request: HttpRequest) -> bool:
    return request.user.has_perms(["auth.view_user", "auth.view_group"])


def may_see_queues(request: HttpRequest) -> bool:
    return is_role_admin(request.user)
