"""The side bar of the admin, composed of what the scripting engine and the game offer, and of what the site itself adds."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse, reverse_lazy

from goby_site.accounts.roles import is_role_admin
from scripting.insight import menu

_made: WeakKeyDictionary[HttpRequest, list[dict[str, Any]]] = WeakKeyDictionary()


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of the side bar; each item only for who may see it. Made once a request: parts of a page ask one after the other."""
    groups = _made.get(request)
    if groups is None:
        groups = _made[request] = [
            {**group, "items": [seen(item, request) for item in group["items"]]} for group in groups_for(request)
        ]
    return groups


def seen(item: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    """Without its question, where it is answered by yes: the theme makes a class to ask each."""
    return item if "permission" in item and not item["permission"](request) else {**item, "permission": None}


def groups_for(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups, each item with the question who may see it."""
    return [
        {"items": [menu.overview(), *menu.live_pages(icon="swords")]},
        *menu.scripting_groups(request),
        {
            "title": "Wargame",
            "separator": True,
            "items": [
                menu.of_model("Battles", "swords", "wargame_game", "wargame.view_game"),
                menu.of_model(
                    "Battle log entries", "history_edu", "wargame_battlelogentry", "wargame.view_battlelogentry"
                ),
            ],
        },
        {
            "title": "Site",
            "separator": True,
            "items": [
                {**menu.of_model("Users", "person", "auth_user", "auth.view_user"), "active": is_at_users},
                menu.of_model("Groups", "group", "auth_group", "auth.view_group"),
                {
                    **menu.item("Record of permissions", "policy", reverse_lazy("admin:auth_user_record")),
                    "permission": menu.permitted("auth.view_user", "auth.view_group"),
                },
                {
                    **menu.item("Queues", "list_alt", reverse_lazy("django_rq:home")),
                    "permission": may_see_queues,
                },
            ],
        },
    ]


def is_at_users(request: HttpRequest) -> bool:
    """The record lies below the address of the users, and is an item of its own."""
    at = reverse("admin:auth_user_changelist")
    return request.path.startswith(at) and request.path != reverse("admin:auth_user_record")


def may_see_queues(request: HttpRequest) -> bool:
    return settings.GOBY_QUEUES and is_role_admin(request.user)
