"""The admin site's frame: our style sheet, and what the side bar leads to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy


def stylesheet(request: HttpRequest) -> str:
    """Our part of the look."""
    return static("scripting/admin.css")


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of the side bar; each item only for who may see it."""
    return [
        {
            "items": [
                _item("Overview", "dashboard", reverse_lazy("admin:index")),
                # Every page lies below its address, so it would always seem to be the one that is open.
                {**_item("Running battle", "swords", "/"), "active": _never},
            ]
        },
        {
            "title": "Scripting",
            "separator": True,
            "items": [
                _item("Scripts", "edit_note", reverse_lazy("workbench:scripts")),
                _of_model("Limits and switches", "tune", "scripting_script", "scripting.view_script"),
                _of_model("Versions", "difference", "scripting_scriptversion", "scripting.view_scriptversion"),
                _of_model("Activations", "published_with_changes", "scripting_activation", "scripting.view_activation"),
                {
                    **_item("Dashboard", "monitoring", reverse_lazy("admin:scripting_execution_figures")),
                    "permission": _permitted("scripting.view_execution"),
                },
                {
                    **_of_model("Executions", "play_circle", "scripting_execution", "scripting.view_execution"),
                    "active": _on_executions,
                },
                _of_model("Errors", "error", "scripting_errorgroup", "scripting.view_errorgroup"),
                {
                    **_item("Dead letters", "inbox", reverse_lazy("admin:scripting_execution_letters")),
                    "permission": _permitted("scripting.change_outboxevent"),
                },
            ],
        },
        {
            "title": "Site",
            "separator": True,
            "items": [
                _of_model("Users", "person", "auth_user", "auth.view_user"),
                _of_model("Groups", "group", "auth_group", "auth.view_group"),
            ],
        },
    ]


def _never(request: HttpRequest) -> bool:
    return False


def _on_executions(request: HttpRequest) -> bool:
    """Their list or the page of one; dashboard and dead letters lie below the same address and are items of their own."""
    at = reverse("admin:scripting_execution_changelist")
    return request.path.startswith(at) and not request.path.startswith((f"{at}figures/", f"{at}dead-letters/"))


def _item(title: str, icon: str, link: Any) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": link}


def _of_model(title: str, icon: str, model: str, permission: str) -> dict[str, Any]:
    link = reverse_lazy(f"admin:{model}_changelist")
    return {**_item(title, icon, link), "permission": _permitted(permission)}


def _permitted(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: bool(request.user.has_perm(permission))
